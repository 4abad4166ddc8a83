package dev.portcullis.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * The directory that one process owns while it lives (INV-J8): the lock, the modes, and the room left on its
 * disk. There are three marks on the way to a full one. Below the watermark no new work is taken. A reserve
 * file, a quarter of it, is given up for the drain, so that its last writes find room on a disk that others
 * have filled. Below the floor, half of the reserve, nothing is written at all: LevelDB maps files that it
 * has made longer than what is in them, and a page that the disk cannot back ends the process with SIGBUS.
 * Floor and reserve together, 96 MiB as shipped, are for what it may have under way: 1 MiB ahead in a log, a
 * table of 4 MiB whenever a log is full, and some 50 MiB (measured) while it merges tables.
 */
final class DataDirectory implements AutoCloseable {

  private static final long RESERVE_MAX_BYTES = 64L << 20;
  private static final long SAMPLE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final Path directory;
  private final long lowSpaceBytes;
  private final FileStore disk;
  private final FileChannel lock;
  private volatile Sample sample;

  private record Sample(boolean low, long atNanos) {}

  private DataDirectory(Path directory, long lowSpaceBytes, FileStore disk, FileChannel lock) {
    this.directory = directory;
    this.lowSpaceBytes = lowSpaceBytes;
    this.disk = disk;
    this.lock = lock;
  }

  /** Creates it where it is missing, locks it and fills the reserve. */
  static DataDirectory open(Path directory, long lowSpaceBytes) {
    create(directory);
    var disk = disk(directory);
    var opened = new DataDirectory(directory, lowSpaceBytes, disk, lock(directory.resolve("lock")));
    try {
      create(opened.store());
      opened.tighten();
      opened.fillReserve();
      opened.sample = opened.look();
      return opened;
    } catch (IOException e) {
      opened.close();
      throw e instanceof AccessDeniedException
          ? JournalFault.permission(directory, e)
          : JournalFault.io(directory.toString(), "preparing", e);
    } catch (RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  /** Keeps others out of one that is there, and changes nothing else in it. */
  static DataDirectory existing(Path directory) {
    if (!Files.isDirectory(directory)) {
      throw JournalFault.absent(directory);
    }
    return new DataDirectory(directory, 0, disk(directory), lock(directory.resolve("lock")));
  }

  /** Where the store's own files lie. */
  Path store() {
    return directory.resolve("journal");
  }

  /** Whether the disk has less room than the watermark; looked up at most twice a second. */
  boolean lowSpace() {
    var last = sample;
    if (System.nanoTime() - last.atNanos() > SAMPLE_NANOS) {
      last = look();
      sample = last;
    }
    return last.low();
  }

  /**
   * Before each write. Past the floor the reserve is given up too: what the store does in the background must
   * find room for as long as the process still takes to end.
   *
   * @throws JournalFault {@code IO} when the disk has less room than the store may need
   */
  void requireRoom() {
    long floor = reserveBytes() / 2;
    long usable = floor == 0 ? 0 : usable();
    if (usable < floor) {
      releaseReserve();
      throw JournalFault.io(directory.toString(), "writing",
          new IOException("only " + usable + " bytes are free, a write needs " + floor));
    }
  }

  /** Gives the reserved room back to the disk. */
  void releaseReserve() {
    try {
      Files.deleteIfExists(reserve());
    } catch (IOException e) {
      throw JournalFault.io(reserve().toString(), "releasing the reserve", e);
    }
  }

  @Override
  public void close() {
    unlock(lock, directory);
  }

  private Sample look() {
    return new Sample(usable() < lowSpaceBytes, System.nanoTime());
  }

  private long usable() {
    try {
      return disk.getUsableSpace();
    } catch (IOException e) {
      throw JournalFault.io(directory.toString(), "asking for free space", e);
    }
  }

  private long reserveBytes() {
    return Math.min(lowSpaceBytes / 4, RESERVE_MAX_BYTES);
  }

  private Path reserve() {
    return directory.resolve("reserve");
  }

  private static void create(Path path) {
    try {
      Files.createDirectories(path);
      mode(path, "rwx------");
    } catch (AccessDeniedException e) {
      throw Files.isDirectory(path) ? JournalFault.permission(path, e) : JournalFault.cannotCreate(path, e);
    } catch (IOException e) {
      throw JournalFault.cannotCreate(path, e);
    }
  }

  private static FileStore disk(Path directory) {
    try {
      return Files.getFileStore(directory);
    } catch (IOException e) {
      throw JournalFault.io(directory.toString(), "asking for its disk", e);
    }
  }

  private static FileChannel lock(Path path) {
    FileChannel channel;
    try {
      channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw JournalFault.permission(path, e);
    }
    boolean locked;
    try {
      locked = channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      locked = false; // This very process has it.
    } catch (IOException e) {
      throw JournalFault.io(path.toString(), "locking", e);
    }
    if (!locked) {
      unlock(channel, path);
      throw JournalFault.locked(path);
    }
    return channel;
  }

  private static void unlock(FileChannel lock, Path path) {
    try {
      lock.close();
    } catch (IOException e) {
      throw JournalFault.io(path.toString(), "unlocking", e);
    }
  }

  /**
   * LevelDB makes files as the umask says; those of an earlier run are put right here, the 0700 above guards
   * all.
   */
  private void tighten() throws IOException {
    mode(directory.resolve("lock"), "rw-------");
    try (var files = Files.newDirectoryStream(store(), Files::isRegularFile)) {
      for (var file : files) {
        mode(file, "rw-------");
      }
    }
  }

  static void mode(Path path, String permissions) throws IOException {
    var view = Files.getFileAttributeView(path, PosixFileAttributeView.class);
    if (view != null) { // A file system without modes has its own rules.
      view.setPermissions(PosixFilePermissions.fromString(permissions));
    }
  }

  private void fillReserve() throws IOException {
    long bytes = reserveBytes();
    boolean held = Files.exists(reserve()) && Files.size(reserve()) == bytes;
    long needed = (held ? 0 : bytes) + bytes / 2;
    if (usable() < needed) { // Opening writes as well.
      throw JournalFault.lowSpace(directory, usable(), needed);
    }
    if (held || bytes == 0) {
      return;
    }
    var options = Set.of(
        StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
    try (var file = FileChannel.open(reserve(), options)) {
      mode(reserve(), "rw-------");
      var zeros = ByteBuffer.allocate(1 << 16); // Written, not sparse: the blocks must really be ours.
      for (long left = bytes; left > 0; left -= zeros.limit()) {
        zeros.clear().limit((int) Math.min(zeros.capacity(), left));
        while (zeros.hasRemaining()) {
          file.write(zeros);
        }
      }
    }
  }
}
