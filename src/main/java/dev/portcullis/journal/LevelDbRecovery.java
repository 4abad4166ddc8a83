package dev.portcullis.journal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import org.iq80.leveldb.DBFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens LevelDB without ever losing something in silence. The files are judged first: after a clean stop they
 * must be those that were left; after a kill every byte must be sound, but for the end of the log. A log that
 * is torn there is copied and the copy opened with the damaged part left out: when only the newest batches
 * are missing the copy takes over and one loud line names the damaged original. When anything else is wrong
 * the original stays as it is and boot fails, each time anew.
 */
final class LevelDbRecovery {

  private static final Logger LOG = LoggerFactory.getLogger(LevelDbRecovery.class);
  private static final int NAMED = 3;

  private final LevelDbFiles files;
  private final DBFactory factory;

  private LevelDbRecovery(LevelDbFiles files, DBFactory factory) {
    this.files = files;
    this.factory = factory;
  }

  /** @throws JournalFault {@code CORRUPT}, {@code LOCKED} or {@code IO} */
  static JournalStore open(Path directory, JournalSettings.Implementation implementation) {
    var files = new LevelDbFiles(directory);
    try {
      return new LevelDbRecovery(files, LevelDbStore.factory(implementation)).open();
    } catch (IOException e) {
      throw JournalFault.io(directory.toString(), "opening", e);
    }
  }

  private JournalStore open() throws IOException {
    files.finishInterrupted();
    StoreCheck check;
    try {
      check = StoreCheck.of(files);
    } catch (NoSuchFileException e) { // Files that come and go: somebody else is at work here.
      throw JournalFault.locked(files.directory());
    }
    warn(check);
    if (!check.damage().isEmpty() && !check.tornOnly()) {
      throw refusal(check);
    }
    var identity = check.known() instanceof FileSums.Known.Listed(var sums)
        ? sums.identity() : UUID.randomUUID().toString();
    boolean fresh = files.isFresh();
    var listed = GuardedStore.announce(files, identity, known(check));
    LevelDbStore store;
    if (check.damage().isEmpty()) {
      try {
        store = LevelDbStore.open(files.directory(), factory, LevelDbStore.Checks.PARANOID, fresh);
      } catch (IOException e) {
        store = recover(String.valueOf(e.getMessage()), check);
      }
    } else {
      store = recover(words(check), check);
    }
    try {
      return GuardedStore.over(store, files, store.identity(identity), listed);
    } catch (IOException | RuntimeException e) {
      store.close();
      throw e;
    }
  }

  /** Without a list of checksums, what lies there is proved from beginning to end, once. */
  private void warn(StoreCheck check) throws IOException {
    switch (check.known()) {
      case FileSums.Known.Listed _ -> {}
      case FileSums.Known.None() -> {
        if (!files.isFresh()) {
          LOG.warn("journal.no_sums file={}: everything is proved once", files.sums());
          proveWhole(check);
        }
      }
      case FileSums.Known.Damaged() -> {
        LOG.error("journal.damaged_sums file={}: everything is proved once", files.sums());
        proveWhole(check);
      }
    }
    check.findings().stream()
        .filter(finding -> finding.kind() == JournalFinding.Kind.DAMAGED_SUMS)
        .forEach(finding -> LOG.error("journal.damaged_sums {}", finding));
  }

  private void proveWhole(StoreCheck check) throws IOException {
    if (check.damage().isEmpty()) {
      try (var raw = RawStore.open(files.directory())) {
        Proof.require(raw);
      }
    }
  }

  private static SortedMap<String, FileSums.Sum> known(StoreCheck check) {
    return check.known() instanceof FileSums.Known.Listed(var sums) ? sums.files() : new TreeMap<>();
  }

  private JournalFault refusal(StoreCheck check) throws IOException {
    try (var raw = RawStore.open(files.directory())) {
      var proof = Proof.of(raw, _ -> {});
      return JournalFault.corruptStore(files.directory().toString(), words(check) + "; "
          + proof.damaged() + " of " + proof.histories() + " readable histories are damaged");
    }
  }

  private static String words(StoreCheck check) {
    var damage = check.damage();
    var first = damage.stream().limit(NAMED).map(JournalFinding::toString).collect(Collectors.joining("; "));
    return damage.size() > NAMED ? first + "; and " + (damage.size() - NAMED) + " more" : first;
  }

  private LevelDbStore recover(String cause, StoreCheck check) throws IOException {
    var lockFile = Path.of(LevelDbFiles.name(files.directory()), "LOCK").toString();
    if (cause.contains(lockFile)) {
      throw JournalFault.locked(files.directory().resolve("LOCK"));
    }
    copy(files.trial());
    try (var store = LevelDbStore.open(files.trial(), factory, LevelDbStore.Checks.LENIENT, false)) {
      Proof.require(store);
    } catch (RuntimeException | IOException e) { // Whatever stands in the way of the proof.
      LevelDbFiles.delete(files.trial());
      var what = "data is missing (" + cause + ")";
      throw JournalFault.corruptStore(files.directory().toString(), what, e);
    }
    Files.deleteIfExists(files.acked()); // It speaks of the files that are about to be replaced.
    var aside = files.replace();
    LOG.error(
        "journal.torn_tail copy={} acknowledged_batches_lost={} cause={}: the newest writes may be lost;"
            + " the damaged files are kept there",
        aside, check.missingAcked(), cause);
    return LevelDbStore.open(files.directory(), factory, LevelDbStore.Checks.PARANOID, false);
  }

  private void copy(Path target) throws IOException {
    Files.createDirectory(target);
    for (var file : files.data()) {
      var copy = target.resolve(file.getFileName());
      Files.copy(file, copy, StandardCopyOption.COPY_ATTRIBUTES);
      try (var channel = FileChannel.open(copy, StandardOpenOption.WRITE)) {
        channel.force(true); // It may soon be the only one in use.
      }
    }
  }
}
