package dev.portcullis.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.OptionalLong;

/**
 * The number of the newest batch that was acknowledged, in a file of its own. Written after each sync and not
 * synced itself: a killed process leaves it exact, a lost power supply leaves an older one, which is true as
 * well. So a log that ends too early is told from one that was never longer.
 */
final class Acked implements AutoCloseable {

  private static final int BYTES = Long.BYTES + Integer.BYTES;

  private final FileChannel channel;

  private Acked(FileChannel channel) {
    this.channel = channel;
  }

  /** Begins with the number of a store that has just been proved. */
  static Acked begin(Path file, long number) throws IOException {
    var acked = new Acked(FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE));
    DataDirectory.mode(file, "rw-------");
    acked.set(number);
    acked.channel.truncate(BYTES);
    return acked;
  }

  void set(long number) throws IOException {
    channel.write(encode(number), 0);
  }

  private static ByteBuffer encode(long number) {
    var buffer = ByteBuffer.allocate(BYTES).putLong(number);
    return buffer.putInt(Crc.of(buffer.array(), 0, Long.BYTES)).flip();
  }

  /** Empty when there is no such file, or nothing readable in it. */
  static OptionalLong read(Path file) throws IOException {
    if (!Files.exists(file)) {
      return OptionalLong.empty();
    }
    var bytes = ByteBuffer.wrap(Files.readAllBytes(file));
    return bytes.capacity() == BYTES && bytes.equals(encode(bytes.getLong(0)))
        ? OptionalLong.of(bytes.getLong(0))
        : OptionalLong.empty();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
