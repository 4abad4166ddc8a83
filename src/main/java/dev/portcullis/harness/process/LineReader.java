package dev.portcullis.harness.process;

import dev.portcullis.harness.HarnessFault;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * Cuts a stream into lines, at {@code \n} only, and passes on those that begin as a JSON object does. All our
 * peers say one object a line; whatever else a wrapper or a runtime prints is noise, and is neither kept nor
 * decoded, however long it is. Bytes that are no UTF-8 become U+FFFD. Belongs to one thread.
 */
final class LineReader {
  private static final int CHUNK = 64 * 1024;

  /** What the line that is being read has turned out to be. */
  private enum Kind { BLANK, OBJECT, NOISE }

  private final InputStream in;
  private final int lineBytesMax;
  private final Noise noise;
  private ByteArrayOutputStream begun = new ByteArrayOutputStream();
  private Kind kind = Kind.BLANK;

  LineReader(InputStream in, int lineBytesMax, Noise noise) {
    this.in = in;
    this.lineBytesMax = lineBytesMax;
    this.noise = noise;
  }

  /**
   * Reads to the end of the stream; a last line without its end is dropped, for half a line may mean
   * anything.
   *
   * @throws HarnessFault {@code MALFORMED} when an object is longer than allowed
   */
  void forEach(Consumer<String> line) throws IOException {
    var chunk = new byte[CHUNK];
    for (int length = in.read(chunk); length >= 0; length = in.read(chunk)) {
      int from = 0;
      while (from < length) {
        int end = endOfLine(chunk, from, length);
        take(chunk, from, end);
        if (end < length) {
          finish(line);
        }
        from = end + 1;
      }
    }
  }

  private static int endOfLine(byte[] chunk, int from, int to) {
    int end = from;
    while (end < to && chunk[end] != '\n') {
      end++;
    }
    return end;
  }

  private void take(byte[] chunk, int from, int to) {
    int begin = from;
    if (kind == Kind.BLANK) {
      while (begin < to && (chunk[begin] == ' ' || chunk[begin] == '\t' || chunk[begin] == '\r')) {
        begin++;
      }
      if (begin < to) {
        kind = chunk[begin] == '{' ? Kind.OBJECT : Kind.NOISE;
      }
    }
    switch (kind) {
      case BLANK -> { }
      case OBJECT -> append(chunk, begin, to);
      case NOISE -> noise.bytes(to - begin);
    }
  }

  private void append(byte[] chunk, int from, int to) {
    if (begun.size() + (to - from) > lineBytesMax) {
      throw HarnessFault.malformed("line", "at most " + lineBytesMax + " bytes");
    }
    begun.write(chunk, from, to - from);
  }

  private void finish(Consumer<String> line) {
    switch (kind) {
      case BLANK -> { }
      case OBJECT -> {
        var text = begun.toString(StandardCharsets.UTF_8);
        if (begun.size() > CHUNK) {
          begun = new ByteArrayOutputStream(); // A long line is rare; its room is not kept for the next.
        } else {
          begun.reset();
        }
        line.accept(text);
      }
      case NOISE -> noise.line();
    }
    kind = Kind.BLANK;
  }
}
