package dev.portcullis.journal;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.function.LongConsumer;

/** The journal of a data directory that no gateway uses. */
public final class StoppedJournal extends JournalReader {

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

  @Override
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
      findings.addAll(proof.findings());
      return new JournalVerdict(proof.histories(), proof.events(), proof.damaged(), findings, notes);
    });
  }

  /** What is damaged and what can be done about it. */
  public JournalRepair repair() {
    return new JournalRepair(files);
  }

  @Override
  <T> T reading(Read<JournalStore, T> read) {
    return reading("reading", read::from);
  }

  private <T> T reading(String what, Read<RawStore, T> read) {
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
