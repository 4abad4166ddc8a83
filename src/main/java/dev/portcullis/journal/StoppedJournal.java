package dev.portcullis.journal;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * The journal of a data directory that no gateway uses, read without changing a byte. Not thread-safe. Every
 * method throws {@link JournalFault} {@code IO} when the disk fails.
 */
public final class StoppedJournal implements AutoCloseable {

  private final DataDirectory directory;
  private final LevelDbFiles files;

  private StoppedJournal(DataDirectory directory) {
    this.directory = directory;
    this.files = new LevelDbFiles(directory.store());
  }

  /**
   * Keeps gateways out until {@link #close()}.
   *
   * @throws JournalFault {@code LOCKED}; {@code CANNOT_CREATE} when there is no such directory
   */
  public static StoppedJournal open(Path data) {
    return new StoppedJournal(DataDirectory.existing(data));
  }

  /**
   * Reads everything there is.
   *
   * @param progress is told now and then how many histories have been read
   */
  public JournalVerdict verify(LongConsumer progress) {
    return reading("verifying", raw -> {
      var check = StoreCheck.of(files);
      var proof = Proof.of(raw, progress);
      var findings = new ArrayList<>(check.findings());
      var notes = new ArrayList<String>();
      if (check.known() instanceof FileSums.Known.Damaged) {
        findings.add(JournalFinding.file(JournalFinding.Kind.DAMAGED_SUMS,
            LevelDbFiles.name(files.sums()), "it is not what was written"));
      } else if (check.known() instanceof FileSums.Known.None && !files.isFresh()) {
        notes.add("there is no " + files.sums() + ": the files were read, not compared");
      }
      if (raw.missingBatches() > 0) {
        findings.add(JournalFinding.file(JournalFinding.Kind.HOLE, LevelDbFiles.name(files.directory()),
            raw.missingBatches() + " batches are missing before batch " + raw.batches()));
      }
      findings.addAll(proof.findings());
      return new JournalVerdict(proof.histories(), proof.events(), proof.damaged(), findings, notes);
    });
  }

  /** Every id that has a recorded end or an event, in order. */
  public List<String> persistenceIds() {
    return reading("reading", raw -> List.copyOf(Proof.owners(raw).keySet()));
  }

  /**
   * One history as JSON, an object for each event: {@code persistenceId, seq, at, type, digest, event}.
   *
   * @throws JournalFault {@code CORRUPT} at the first event that cannot be proved; those before it are out
   */
  public void export(String persistenceId, Consumer<JsonNode> to) {
    reading("reading", raw -> {
      JournalExport.of(raw, persistenceId, 1, Long.MAX_VALUE, to);
      return true;
    });
  }

  /** All entries of an index space, ordered by key. */
  public void scan(String space, BiConsumer<String, String> entry) {
    reading("reading", raw -> {
      raw.scan(new JournalStore.Range.Index(space), (key, value) -> {
        entry.accept(((StoreKey.Index) key).key(), StoreText.decode(value, 0, value.length));
        return true;
      });
      return true;
    });
  }

  public JournalFigures figures() {
    return reading("reading", JournalFigures::of);
  }

  /** What is damaged and what can be done about it. */
  public JournalRepair repair() {
    return new JournalRepair(files);
  }

  private interface Read<T> {
    T from(RawStore raw) throws IOException;
  }

  private <T> T reading(String what, Read<T> read) {
    try {
      files.finishInterrupted();
      try (var raw = RawStore.open(files.directory())) {
        return read.from(raw);
      }
    } catch (IOException e) {
      throw JournalFault.io(files.directory().toString(), what, e);
    }
  }

  @Override
  public void close() {
    directory.close();
  }
}
