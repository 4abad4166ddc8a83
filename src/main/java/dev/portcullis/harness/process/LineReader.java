package dev.portcullis.harness.process;

import dev.portcullis.harness.HarnessFault;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** Cuts a stream into lines of bounded length, at {@code \n} only. Bytes that are no UTF-8 become U+FFFD. */
final class LineReader {
  private static final int CHUNK = 64 * 1024;
  private final InputStream in;
  private final int lineBytesMax;

  LineReader(InputStream in, int lineBytesMax) {
    this.in = in;
    this.lineBytesMax = lineBytesMax;
  }

  /**
   * Reads to the end of the stream; a last line without its end is dropped, for half a line may mean
   * anything.
   *
   * @throws HarnessFault {@code MALFORMED} when a line is longer than allowed
   */
  void forEach(Consumer<String> line) throws IOException {
    var chunk = new byte[CHUNK];
    var begun = new ByteArrayOutputStream();
    for (int length = in.read(chunk); length >= 0; length = in.read(chunk)) {
      int from = 0;
      for (int i = 0; i < length; i++) {
        if (chunk[i] == '\n') {
          append(begun, chunk, from, i);
          line.accept(begun.toString(StandardCharsets.UTF_8));
          begun = begun.size() > CHUNK ? new ByteArrayOutputStream() : reset(begun);
          from = i + 1;
        }
      }
      append(begun, chunk, from, length);
    }
  }

  private static ByteArrayOutputStream reset(ByteArrayOutputStream used) {
    used.reset();
    return used;
  }

  private void append(ByteArrayOutputStream begun, byte[] chunk, int from, int to) {
    if (begun.size() + (to - from) > lineBytesMax) {
      throw HarnessFault.malformed("line", "at most " + lineBytesMax + " bytes");
    }
    begun.write(chunk, from, to - from);
  }
}
