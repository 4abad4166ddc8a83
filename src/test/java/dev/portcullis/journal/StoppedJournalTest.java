package dev.portcullis.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.journal.JournalFinding.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code verify} tells apart in a store that was closed in order, and that it changes nothing. */
@Tag("INV-J1")
class StoppedJournalTest {

  @TempDir Path directory;
  private Path data;

  /** Three opens: two tables and a log. */
  private void write() {
    data = directory.resolve("data");
    for (int i = 0; i < 3; i++) {
      append(data);
    }
  }

  private static void append(Path data) {
    try (var journal = Samples.open(data)) {
      Samples.append(journal, "s-1", 5);
      Samples.append(journal, "s-2", 5);
    }
  }

  private LevelDbFiles files() {
    return new LevelDbFiles(data.resolve("journal"));
  }

  private JournalVerdict verify() {
    try (var stopped = StoppedJournal.open(data)) {
      return stopped.verify(_ -> {});
    }
  }

  private void assertFound(Kind kind, String where) throws IOException {
    var before = bytes(data);
    var findings = verify().findings();
    assertTrue(findings.stream().anyMatch(each -> each.kind() == kind && each.where().contains(where)),
        "not " + kind + " " + where + ": " + findings);
    assertEquals(before, bytes(data), "verify changes nothing");
    assertEquals(JournalFault.Code.CORRUPT,
        assertThrows(JournalFault.class, () -> Samples.open(data)).code());
    assertEquals(before, bytes(data), "a refused start changes nothing");
  }

  private static Map<String, String> bytes(Path directory) throws IOException {
    var all = new TreeMap<String, String>();
    try (var files = Files.walk(directory)) {
      for (var file : files.filter(Files::isRegularFile).toList()) {
        all.put(file.toString(), HexFormat.of().formatHex(Files.readAllBytes(file)));
      }
    }
    return all;
  }

  @Test void aSoundJournalHasNoFindingsAndIsLeftAsItWas() throws IOException {
    write();
    var before = bytes(data);
    var verdict = verify();
    assertEquals(List.of(), verdict.findings());
    assertEquals(2, verdict.sessions());
    assertEquals(30, verdict.events());
    assertEquals(before, bytes(data));
  }

  @Test void twoTablesThatChangedPlacesAreNoticed() throws IOException {
    write();
    var tables = files().tables();
    var spare = directory.resolve("spare");
    Files.move(tables.get(0), spare);
    Files.move(tables.get(1), tables.get(0));
    Files.move(spare, tables.get(1));
    assertFound(Kind.CHANGED_FILE, LevelDbFiles.name(tables.get(1)));
  }

  @Test void aMissingTableIsNoticed() throws IOException {
    write();
    var table = files().tables().getFirst();
    Files.delete(table);
    assertFound(Kind.MISSING_FILE, LevelDbFiles.name(table));
  }

  @Test void aMissingManifestIsNoticed() throws IOException {
    write();
    Files.delete(manifest());
    assertFound(Kind.MISSING_FILE, "MANIFEST");
  }

  @Test void aMissingLogIsNoticed() throws IOException {
    write();
    Files.delete(files().logs().getLast());
    assertFound(Kind.MISSING_FILE, ".log");
  }

  @Test void aLogThatIsCutAfterACleanStopIsNoTornTail() throws IOException {
    write();
    var log = files().logs().getLast();
    var bytes = Files.readAllBytes(log);
    Files.write(log, java.util.Arrays.copyOf(bytes, bytes.length - 100));
    assertFound(Kind.SHORTER_FILE, LevelDbFiles.name(log));
  }

  @Test void anOlderTableOfContentsIsNoticed() throws IOException {
    write();
    var older = Files.readAllBytes(files().directory().resolve(LevelDbFiles.CURRENT));
    append(data);
    Files.write(files().directory().resolve(LevelDbFiles.CURRENT), older);
    assertFound(Kind.CHANGED_FILE, LevelDbFiles.CURRENT);
  }

  @Test void aLogThatWasNotThereIsNoticed() throws IOException {
    write();
    Files.copy(files().logs().getLast(), files().directory().resolve("000099.log"));
    assertFound(Kind.FOREIGN, "000099.log");
  }

  @Test void theJournalOfAnotherInstanceIsNoticed() throws IOException {
    write();
    var other = directory.resolve("other");
    append(other);
    LevelDbFiles.delete(files().directory());
    Files.move(other.resolve("journal"), files().directory());
    assertFound(Kind.FOREIGN, "journal");
  }

  /** The files look alike then, and only the names that the stores were given differ. */
  @Test void theJournalOfAnotherInstanceIsNoticedAfterAKillToo() throws IOException {
    data = directory.resolve("data");
    var other = directory.resolve("other");
    var live = directory.resolve("live");
    try (var one = Samples.open(live); var two = Samples.open(directory.resolve("live-2"))) {
      Samples.append(one, "s-1", 3);
      Samples.append(two, "s-1", 3);
      Damage.copy(live, data);
      Damage.copy(directory.resolve("live-2"), other);
    }
    LevelDbFiles.delete(files().directory());
    Files.move(other.resolve("journal"), files().directory());
    assertFound(Kind.FOREIGN, "journal");
  }

  @Test void anOlderCopyOfAKilledStoreIsNoticed() throws IOException {
    data = directory.resolve("data");
    var live = directory.resolve("live");
    try (var journal = Samples.open(live)) {
      Samples.append(journal, "s-1", 3);
      Damage.copy(live.resolve("journal"), directory.resolve("older"));
      Samples.append(journal, "s-1", 3);
      Damage.copy(live, data);
    }
    LevelDbFiles.delete(files().directory());
    Files.move(directory.resolve("older"), files().directory());
    assertFound(Kind.HOLE, "journal");
  }

  /** No history misses an entry of an index. */
  @Test void aBatchThatWasCutOutOfTheLogIsNoticedByTheStartAndMended() throws IOException {
    data = directory.resolve("data");
    var live = directory.resolve("live");
    try (var journal = Samples.open(live)) {
      Samples.append(journal, "s-1", 3);
      Samples.done(journal.index(List.of(new IndexEntry.Put("row", "k", "v"))));
      Samples.append(journal, "s-1", 3);
      Damage.copy(live, data);
    }
    Damage.cutRecord(files().logs().getLast(), 5); // After the format, the canary and three events.
    assertFound(Kind.HOLE, "journal");
    try (var stopped = StoppedJournal.open(data)) {
      assertEquals(1, stopped.repair().run(new JournalRepair.Way.Cut(), Set.of(), false).original().size());
    }
    try (var journal = Samples.open(data)) {
      assertEquals(6, Samples.replay(journal, "s-1").size());
      assertEquals(Optional.empty(), journal.get("row", "k"));
    }
  }

  @Test void anyByteOfTheListOfChecksumsCounts() throws IOException {
    write();
    var sums = Files.readAllBytes(files().sums());
    for (int at = 0; at < sums.length; at++) {
      var damaged = sums.clone();
      damaged[at] ^= 1;
      Files.write(files().sums(), damaged);
      assertFalse(FileSums.read(files().sums()) instanceof FileSums.Known.Listed, "byte " + at);
    }
    assertTrue(verify().findings().stream().anyMatch(each -> each.kind() == Kind.DAMAGED_SUMS));
    append(data); // Proved whole instead, and listed anew.
    assertEquals(List.of(), verify().findings());
  }

  @Test void aDamagedNumberOfTheNewestWriteIsNoticedAndKeepsNobodyFromStarting() throws IOException {
    data = directory.resolve("data");
    var live = directory.resolve("live");
    try (var journal = Samples.open(live)) {
      Samples.append(journal, "s-1", 3);
      Damage.copy(live, data);
    }
    assertEquals(List.of(), verify().findings());
    for (int at = 0; at < Files.size(files().acked()); at++) {
      Damage.flip(files().acked(), at);
      assertEquals(List.of(Kind.DAMAGED_SUMS),
          verify().findings().stream().map(JournalFinding::kind).toList(), "byte " + at);
      Damage.flip(files().acked(), at);
    }
    Damage.flip(files().acked(), 3);
    append(data);
    assertEquals(List.of(), verify().findings());
  }

  @Test void aSealThatCannotBeWrittenLeavesTheStoreAsAfterAKill() throws IOException {
    data = directory.resolve("data");
    try (var journal = Samples.open(data)) {
      Samples.append(journal, "s-1", 3);
      Files.createDirectory(data.resolve("journal.sums.new"));
    }
    Files.delete(data.resolve("journal.sums.new"));
    assertEquals(List.of(), verify().findings());
    append(data);
  }

  @Test void aStoreWithoutAListOfChecksumsIsProvedOnceAndListed() throws IOException {
    write();
    Files.delete(files().sums());
    assertEquals(1, verify().notes().size());
    append(data);
    assertTrue(verify().sound());
    assertEquals(List.of(), verify().notes());
  }

  @Test void aSoundStoreWithoutAListOfChecksumsMustStillProveItself() throws IOException {
    write();
    Damage.removeEvent(data, "s-1", 3);
    Files.delete(files().sums());
    assertEquals(JournalFault.Code.CORRUPT,
        assertThrows(JournalFault.class, () -> Samples.open(data)).code());
  }

  @Test void aDirectoryInUseIsLocked() {
    write();
    try (var _ = Samples.open(data)) {
      assertEquals(JournalFault.Code.LOCKED,
          assertThrows(JournalFault.class, () -> StoppedJournal.open(data)).code());
    }
  }

  @Test void theJavaImplementationLeavesNothingUnnoticedEither() throws IOException {
    data = directory.resolve("data");
    var java = new JournalSettings(data, JournalSettings.Implementation.JAVA, 0);
    for (int i = 0; i < 3; i++) {
      try (var journal = Journal.open(java, Samples.noFault())) {
        Samples.append(journal, "s-1", 5);
      }
    }
    assertEquals(List.of(), verify().findings());
    var table = files().tables().getFirst();
    Damage.flip(table, Files.size(table) - 12); // The footer's padding, which no block's checksum covers.
    assertFound(Kind.CHANGED_FILE, LevelDbFiles.name(table));
    assertThrows(JournalFault.class, () -> Journal.open(java, Samples.noFault()));
  }

  @Test void aKilledStoreOfTheJavaImplementationIsSound() throws IOException {
    data = directory.resolve("data");
    var live = directory.resolve("live");
    var java = new JournalSettings(live, JournalSettings.Implementation.JAVA, 0);
    try (var journal = Journal.open(java, Samples.noFault())) {
      Samples.append(journal, "s-1", 50);
      Damage.copy(live, data);
    }
    assertEquals(List.of(), verify().findings());
  }

  @Test void everyByteOfAnUnlistedTableIsLookedAt() throws IOException {
    write();
    Files.delete(files().sums()); // As for a table that was made just before a kill.
    var table = files().tables().getFirst();
    var sound = Files.readAllBytes(table);
    var unnoticed = new ArrayList<Integer>();
    for (int at = 0; at < sound.length; at += 7) {
      Damage.flip(table, at);
      if (StoreCheck.of(files()).findings().isEmpty()) {
        unnoticed.add(at);
      }
      Files.write(table, sound);
    }
    for (int at = sound.length - 60; at < sound.length; at++) {
      Damage.flip(table, at);
      if (StoreCheck.of(files()).findings().isEmpty()) {
        unnoticed.add(at);
      }
      Files.write(table, sound);
    }
    assertEquals(List.of(), unnoticed);
  }

  /** LevelDB makes a table longer than it is and cuts it after its sync. */
  @Test void aTableThatWasNotYetCutToItsLengthIsSoundAfterAKill() throws IOException {
    write();
    Files.delete(files().sums());
    var table = files().tables().getFirst();
    var bytes = Files.readAllBytes(table);
    Files.write(table, java.util.Arrays.copyOf(bytes, bytes.length + 65_536));
    assertEquals(List.of(), verify().findings());
    Damage.flip(table, bytes.length + 500);
    assertFalse(verify().sound());
  }

  @Test void anExportHasEveryEventWithItsDigest() {
    write();
    var lines = new ArrayList<JsonNode>();
    try (var stopped = StoppedJournal.open(data)) {
      stopped.export("s-1", lines::add);
    }
    assertEquals(15, lines.size());
    assertEquals(2, lines.get(1).path("seq").asLong());
    assertEquals("test", lines.get(1).path("type").asText());
    assertEquals(64, lines.get(1).path("digest").asText().length());
    assertEquals(Samples.AT.toString(), lines.get(1).path("at").asText());
  }

  @Test void theFiguresCountWhatIsThere() {
    write();
    try (var stopped = StoppedJournal.open(data)) {
      var figures = stopped.figures();
      assertEquals(2, figures.sessions());
      assertEquals(30, figures.events());
      assertEquals(Samples.AT, figures.lastWrite());
      assertTrue(figures.bytes().get("tables") > 0);
    }
  }

  private Path manifest() throws IOException {
    var name = Files.readString(files().directory().resolve(LevelDbFiles.CURRENT), StandardCharsets.US_ASCII);
    return files().directory().resolve(name.strip());
  }
}
