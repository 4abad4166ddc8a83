package dev.portcullis.crash;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A file system of a few megabytes in memory, and somebody else who fills it. Only root may mount one. */
final class SmallDisk implements AutoCloseable {
  private static final int BLOCK = 64 << 10;
  private static final long SLOWLY = 16L << 20;
  /** Per block: some 60 MB/s. */
  private static final Duration PACE = Duration.ofMillis(1);

  private final Path at;
  private final FileStore store;

  private SmallDisk(Path at, FileStore store) {
    this.at = at;
    this.store = store;
  }

  /** Why there can be none here; empty when there can. {@code at} is made and removed. */
  static Optional<String> missing(Path at) {
    try {
      Files.createDirectory(at);
      var said = run("mount", "-t", "tmpfs", "-o", "size=1m", "none", at.toString());
      if (said.isEmpty()) {
        run("umount", at.toString());
      }
      Files.delete(at);
      return said.map(why -> "no tmpfs can be mounted here: " + why);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static SmallDisk mount(Path at, int mebibytes) {
    try {
      Files.createDirectory(at);
      run("mount", "-t", "tmpfs", "-o", "mode=0700,size=" + mebibytes + "m", "none", at.toString()).ifPresent(why -> {
        throw new AssertionError(why);
      });
      return new SmallDisk(at, Files.getFileStore(at));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What went wrong, in the command's words. */
  private static Optional<String> run(String... command) {
    try {
      var process = new ProcessBuilder(command).redirectErrorStream(true).start();
      var said = new String(process.getInputStream().readAllBytes()).strip();
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return Optional.of(command[0] + " does not end");
      }
      return process.exitValue() == 0 ? Optional.empty() : Optional.of(command[0] + ": " + said);
    } catch (IOException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      return Optional.of("interrupted");
    }
  }

  Path directory() {
    return at;
  }

  long free() {
    try {
      return store.getUsableSpace();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Somebody else's file, as large as leaves {@code left} bytes, or as there is room for. The last megabytes are
   * filled as fast as an ordinary disk would take them, not at the speed of memory: what the gateway looks at
   * before each write is a few megabytes here, and not the tens that it is on a disk of ordinary size.
   */
  void fill(String name, long left) {
    try (var file = FileChannel.open(at.resolve(name), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      for (long more = free() - left; more > 0; more = free() - left) {
        if (free() < SLOWLY) {
          Await.pause(PACE);
        }
        file.write(ByteBuffer.allocate((int) Math.min(more, BLOCK)));
      }
    } catch (IOException full) {
      return; // The gateway was faster with the last block.
    }
  }

  void free(String name) {
    try {
      Files.delete(at.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    // Lazily: whoever may still hold a file must not keep the mount, and with it the test's directory.
    run("umount", "-l", at.toString()).ifPresent(why -> {
      throw new AssertionError(why);
    });
  }
}
