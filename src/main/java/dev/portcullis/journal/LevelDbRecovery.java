package dev.portcullis.journal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.concurrent.atomic.AtomicLong;
import org.iq80.leveldb.DBFactory;
import org.iq80.leveldb.impl.Iq80DBFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens LevelDB without ever losing something in silence. A log that LevelDB refuses is copied and the copy
 * opened with the damaged parts left out: when only the newest batches are missing (a torn tail) the copy
 * takes over and one loud line names the damaged original; when anything older is missing (a hole) the
 * original stays as it is and boot fails, each time anew.
 */
final class LevelDbRecovery {

  private static final Logger LOG = LoggerFactory.getLogger(LevelDbRecovery.class);

  private final Path directory;
  private final DBFactory factory;

  private LevelDbRecovery(Path directory, DBFactory factory) {
    this.directory = directory;
    this.factory = factory;
  }

  /** @throws JournalFault {@code CORRUPT}, {@code LOCKED} or {@code IO} */
  static JournalStore open(Path directory, JournalSettings.Implementation implementation) {
    var recovery = new LevelDbRecovery(directory, LevelDbStore.factory(implementation));
    try {
      recovery.finishInterrupted();
      boolean fresh = recovery.isFresh();
      try {
        return recovery.judged(
            LevelDbStore.open(directory, recovery.factory, LevelDbStore.Checks.PARANOID, fresh));
      } catch (IOException e) {
        return recovery.recover(e);
      }
    } catch (IOException e) {
      throw JournalFault.io(directory.toString(), "opening", e);
    }
  }

  /** The Java version leaves damage out in spite of PARANOID, saying so on standard error only. */
  private JournalStore judged(JournalStore store) {
    if (factory == Iq80DBFactory.factory) {
      try {
        store.check();
      } catch (RuntimeException e) {
        store.close();
        throw e;
      }
    }
    return store;
  }

  /**
   * A directory with data but without its table of contents is damaged; LevelDB would start it anew, empty.
   */
  private boolean isFresh() throws IOException {
    if (Files.exists(directory.resolve("CURRENT"))) {
      return false;
    }
    try (var files = Files.newDirectoryStream(directory, "*.{log,sst,ldb}")) {
      if (files.iterator().hasNext()) {
        throw JournalFault.corruptStore(directory.toString(), "there is data, but no file CURRENT");
      }
    }
    return true;
  }

  private JournalStore recover(IOException refusal) throws IOException {
    var lockFile = Path.of(directory.getFileName().toString(), "LOCK").toString();
    if (String.valueOf(refusal.getMessage()).contains(lockFile)) {
      throw JournalFault.locked(directory.resolve("LOCK"));
    }
    var trial = trial();
    copy(trial);
    try (var store = LevelDbStore.open(trial, factory, LevelDbStore.Checks.LENIENT, false)) {
      prove(store);
    } catch (RuntimeException | IOException e) { // Whatever stands in the way of the proof.
      delete(trial);
      var what = "data is missing (" + refusal.getMessage() + ")";
      throw JournalFault.corruptStore(directory.toString(), what, e);
    }
    var aside = unused();
    Files.move(trial, recovered(), StandardCopyOption.ATOMIC_MOVE);
    Files.move(directory, aside, StandardCopyOption.ATOMIC_MOVE);
    Files.move(recovered(), directory, StandardCopyOption.ATOMIC_MOVE);
    LOG.error(
        "journal.torn_tail copy={} cause={}: the newest writes may be lost; the damaged files are kept there",
        aside, refusal.getMessage());
    return LevelDbStore.open(directory, factory, LevelDbStore.Checks.PARANOID, false);
  }

  /**
   * A kill between the last two moves leaves no directory under the name; the next start must not find it
   * empty.
   */
  private void finishInterrupted() throws IOException {
    delete(trial());
    if (Files.exists(recovered().resolve("CURRENT"))) {
      if (Files.exists(directory.resolve("CURRENT"))) {
        delete(recovered());
      } else {
        Files.move(recovered(), directory, StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  /**
   * Every history is whole from its base to its recorded end, every event has a history, and no batch is
   * missing between two.
   */
  static void prove(JournalStore store) {
    var proved = new AtomicLong();
    store.scan(new JournalStore.Range.Heads(), (key, _) -> {
      var history = new History(store, ((StoreKey.HeadOf) key).persistenceId());
      history.base();
      proved.addAndGet(history.replay(1, Long.MAX_VALUE, Long.MAX_VALUE, _ -> {}));
      return true;
    });
    var found = new AtomicLong();
    store.scan(new JournalStore.Range.AllEvents(), (_, _) -> found.incrementAndGet() > 0);
    if (found.get() != proved.get()) {
      long orphans = found.get() - proved.get();
      throw JournalFault.corruptStore(store.name(), orphans + " events belong to no history");
    }
    store.check();
  }

  private Path trial() {
    return directory.resolveSibling("journal.trial");
  }

  private Path recovered() {
    return directory.resolveSibling("journal.recovered");
  }

  private Path unused() {
    int n = 1;
    while (Files.exists(directory.resolveSibling("journal.damaged-" + n))) {
      n++;
    }
    return directory.resolveSibling("journal.damaged-" + n);
  }

  private void copy(Path target) throws IOException {
    Files.createDirectory(target);
    try (var files = Files.newDirectoryStream(directory, Files::isRegularFile)) {
      for (var file : files) {
        var copy = target.resolve(file.getFileName());
        Files.copy(file, copy, StandardCopyOption.COPY_ATTRIBUTES);
        try (var channel = FileChannel.open(copy, StandardOpenOption.WRITE)) {
          channel.force(true); // It may soon be the only one in use.
        }
      }
    }
  }

  private static void delete(Path path) throws IOException {
    if (Files.exists(path)) {
      try (var tree = Files.walk(path)) {
        for (var each : tree.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(each);
        }
      }
    }
  }
}
