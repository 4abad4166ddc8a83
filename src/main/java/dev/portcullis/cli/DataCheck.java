package dev.portcullis.cli;

import dev.portcullis.config.GatewayConfig;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** Looks at a data directory without changing it: modes, room to write, who holds it, what lies in it. */
final class DataCheck {
  private final Path data;
  private final GatewayConfig.Store store;
  private final long lowSpaceBytes;
  private final boolean running;

  /** What is configured there; whatever else lies in the directory is nobody's. */
  DataCheck(GatewayConfig config) {
    this.data = config.data();
    this.store = config.journal().store();
    this.lowSpaceBytes = config.journal().lowSpaceBytes();
    this.running = isLocked(data.resolve("lock"));
  }

  /** Whether a gateway holds the directory now. */
  boolean running() {
    return running;
  }

  List<Finding> findings() {
    if (!Files.exists(data)) {
      return List.of(absent(), space());
    }
    var findings = new ArrayList<Finding>();
    findings.add(directory());
    for (var name : List.of("token", "credentials.json", "lock")) {
      if (Files.exists(data.resolve(name)) && isOpenToOthers(data.resolve(name))) {
        findings.add(Finding.broken(name, data.resolve(name) + " is open to others; run chmod 600 on it"));
      }
    }
    findings.add(journal());
    findings.add(space());
    return findings;
  }

  /** Of the directory, or of where it will be made. */
  private Path nearest() {
    var nearest = data.toAbsolutePath();
    while (!Files.exists(nearest)) {
      nearest = nearest.getParent();
    }
    return nearest;
  }

  private Finding space() {
    try {
      long free = Files.getFileStore(nearest()).getUsableSpace();
      return free < lowSpaceBytes
          ? Finding.broken("space", mebibytes(free) + " free for " + data + ", less than the "
              + mebibytes(lowSpaceBytes)
              + " of portcullis.journal.low-space: no new work is taken; make room")
          : Finding.sound("space", mebibytes(free) + " free");
    } catch (IOException unreadable) {
      return Finding.broken("space", "the disk of " + data + " does not say how much is free: " + unreadable);
    }
  }

  private static String mebibytes(long bytes) {
    return (bytes >> 20) + " MiB";
  }

  private Finding absent() {
    var parent = nearest();
    return Files.isWritable(parent)
        ? Finding.sound("data", data + " will be made at the first start")
        : Finding.broken("data", data + " cannot be made: " + parent
            + " is not writable; choose another with --data");
  }

  private Finding directory() {
    if (!Files.isDirectory(data) || !Files.isWritable(data)) {
      return Finding.broken("data", data + " is no directory that we may write; choose another with --data");
    }
    return isOpenToOthers(data)
        ? Finding.broken("data", data + " is open to others; run chmod 700 on it")
        : Finding.sound("data", data.toString());
  }

  private Finding journal() {
    var journal = data.resolve("journal");
    if (running) {
      return Finding.sound("journal", "in use by a running gateway");
    }
    if (store instanceof GatewayConfig.Postgresql database) {
      return Finding.sound("journal", "in a database, schema " + database.schema()
          + "; `portcullis journal stats` reads it");
    }
    if (!Files.exists(journal)) {
      return Finding.sound("journal", "none yet");
    }
    return Files.isReadable(journal.resolve("CURRENT"))
        ? Finding.sound("journal", journal + " is there and free")
        : Finding.broken("journal", journal
            + " is no sound store; see `portcullis journal verify` and `journal repair`");
  }

  private static boolean isOpenToOthers(Path path) {
    try {
      return !PosixFilePermissions.toString(Files.getPosixFilePermissions(path)).endsWith("------");
    } catch (IOException unreadable) {
      return true;
    }
  }

  /** Takes the lock for an instant: only its holder can say whether it is held. */
  private static boolean isLocked(Path lock) {
    if (!Files.isWritable(lock)) {
      return false;
    }
    try (var channel = FileChannel.open(lock, StandardOpenOption.WRITE); var held = channel.tryLock()) {
      return held == null;
    } catch (OverlappingFileLockException ours) {
      return true;
    } catch (IOException unreadable) {
      return false;
    }
  }
}
