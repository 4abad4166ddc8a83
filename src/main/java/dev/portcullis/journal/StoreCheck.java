package dev.portcullis.journal;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What the files of a store say of themselves, read without opening it: against the list of checksums and,
 * where that says nothing, byte by byte.
 *
 * @param missingAcked batches at the end that were acknowledged and are not there
 */
record StoreCheck(FileSums.Known known, List<JournalFinding> findings, long missingAcked) {

  StoreCheck {
    findings = findings.stream().distinct().toList(); // A length may be known from two sides.
  }

  /** Reads every byte that the list of checksums does not vouch for. */
  static StoreCheck of(LevelDbFiles files) throws IOException {
    var known = FileSums.read(files.sums());
    return switch (known) {
      case FileSums.Known.Listed(var sums) -> {
        var findings = new ArrayList<>(sums.differences(files));
        yield sums.mark() == FileSums.Mark.CLEAN && findings.isEmpty()
            ? new StoreCheck(known, findings, 0)
            : closer(files, known, sums, findings);
      }
      case FileSums.Known.None() -> closer(files, known, FileSums.none(), new ArrayList<>());
      case FileSums.Known.Damaged() -> closer(files, known, FileSums.none(), new ArrayList<>());
    };
  }

  private static StoreCheck closer(
      LevelDbFiles files, FileSums.Known known, FileSums sums, List<JournalFinding> findings)
      throws IOException {
    try (var raw = RawStore.open(files.directory())) {
      boolean clean = sums.mark() == FileSums.Mark.CLEAN;
      raw.findings(Set.copyOf(sums.files().keySet())).stream()
          // Whoever stopped in order has cut off nothing.
          .map(each -> clean && each.kind() == JournalFinding.Kind.TORN_TAIL
              ? JournalFinding.file(JournalFinding.Kind.CHANGED_FILE, each.where(), each.what())
              : each)
          .forEach(findings::add);
      raw.identity().filter(sums::isOfAnother).ifPresent(name -> findings.add(JournalFinding.file(
          JournalFinding.Kind.FOREIGN, LevelDbFiles.name(files.directory()),
          "this is the store " + name + ", not " + sums.identity())));
      if (raw.missingBatches() > 0) {
        findings.add(JournalFinding.file(JournalFinding.Kind.HOLE, LevelDbFiles.name(files.directory()),
            raw.missingBatches() + " batches are missing before batch " + raw.batches()));
      }
      long missing = Math.max(0, acked(files, sums, findings).orElse(0) - raw.batches());
      boolean torn = findings.stream().anyMatch(each -> each.kind() == JournalFinding.Kind.TORN_TAIL);
      if (missing > 0 && !torn) {
        findings.add(JournalFinding.file(JournalFinding.Kind.HOLE, LevelDbFiles.name(files.directory()),
            "the newest " + missing + " batches that were acknowledged are missing, and no write was cut off:"
                + " an older copy, or a log that was cut"));
      }
      return new StoreCheck(known, findings, missing);
    }
  }

  /** Only a killed store needs the number, and has it. */
  private static OptionalLong acked(LevelDbFiles files, FileSums sums, List<JournalFinding> findings)
      throws IOException {
    var acked = Acked.read(files.acked());
    boolean wanted = sums.mark() == FileSums.Mark.OPEN && sums.files().containsKey(LevelDbFiles.CURRENT);
    if (acked.isEmpty() && (wanted || Files.exists(files.acked()))) {
      findings.add(JournalFinding.file(JournalFinding.Kind.DAMAGED_SUMS, LevelDbFiles.name(files.acked()),
          "the number of the newest acknowledged write cannot be read"));
    }
    return acked;
  }

  boolean clean() {
    return known instanceof FileSums.Known.Listed(var sums) && sums.mark() == FileSums.Mark.CLEAN;
  }

  /** Whether nothing but the end of the log is damaged, as a crash leaves it. */
  boolean tornOnly() {
    return !clean()
        && damage().stream().allMatch(finding -> finding.kind() == JournalFinding.Kind.TORN_TAIL);
  }

  /** Findings about the data; what lies beside it only warns. */
  List<JournalFinding> damage() {
    return findings.stream().filter(each -> each.kind() != JournalFinding.Kind.DAMAGED_SUMS).toList();
  }
}
