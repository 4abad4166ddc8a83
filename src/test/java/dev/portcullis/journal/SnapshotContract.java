package dev.portcullis.journal;

import static dev.portcullis.journal.PluginRig.event;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.pekko.persistence.DeleteSnapshotSuccess;
import org.apache.pekko.persistence.DeleteSnapshotsSuccess;
import org.apache.pekko.persistence.SaveSnapshotFailure;
import org.apache.pekko.persistence.SaveSnapshotSuccess;
import org.apache.pekko.persistence.SelectedSnapshot;
import org.apache.pekko.persistence.SnapshotMetadata;
import org.apache.pekko.persistence.SnapshotProtocol;
import org.apache.pekko.persistence.SnapshotSelectionCriteria;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import scala.Option;
import scala.jdk.javaapi.OptionConverters;

/**
 * What Pekko asks of a snapshot store: {@code p} has 15 events and snapshots of 10 to 14, taken at 100 times their
 * number. Each store has a subclass.
 */
@Tag("P-1")
abstract class SnapshotContract {
  private static final long ALL = Long.MAX_VALUE;
  /** Pekko's own serializer of texts. */
  private static final int STRINGS = 20;

  @TempDir Path directory;

  private PluginRig rig;

  /** Where this test's journal lies; each call says the same place. */
  abstract JournalSettings settings();

  @BeforeEach
  void start() {
    var journal = Journal.open(settings(), Samples.noFault());
    rig = new PluginRig(journal);
    if (journal.highest("p") == 0) {
      rig.replay("p");
      rig.write(List.of(IntStream.rangeClosed(1, 15).mapToObj(seq -> event("p", seq, "a-" + seq)).toList()));
      for (int seq = 10; seq <= 14; seq++) { // Not through Pekko, which puts the present time in.
        Samples.done(journal.putSnapshot(new StoredSnapshot(
            "p", seq, STRINGS, "", ("s-" + seq).getBytes(StandardCharsets.UTF_8), Instant.ofEpochMilli(seq * 100L))));
      }
    }
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  @Test
  void anUnknownIdHasNoSnapshot() {
    assertEquals(Optional.empty(), load("nobody", SnapshotSelectionCriteria.latest(), ALL));
  }

  @Test
  void noSnapshotIsTakenBelowTheUpperBoundThatAReplayHas() {
    assertEquals(Optional.empty(), load("p", SnapshotSelectionCriteria.latest(), 9));
  }

  @Test
  void theYoungestIsTaken() {
    assertEquals(Optional.of("s-14"), load("p", SnapshotSelectionCriteria.latest(), ALL));
  }

  @Test
  void theYoungestOneOutlivesARestart() {
    stop();
    start();
    assertEquals(Optional.of("s-14"), load("p", SnapshotSelectionCriteria.latest(), ALL));
  }

  @Test
  void theYoungestUpToANumberIsTaken() {
    assertEquals(Optional.of("s-13"), load("p", SnapshotSelectionCriteria.create(13, ALL), ALL));
    assertEquals(Optional.of("s-13"), load("p", SnapshotSelectionCriteria.latest(), 13));
  }

  @Test
  void theYoungestUpToANumberAndATimeIsTaken() {
    assertEquals(Optional.of("s-11"), load("p", SnapshotSelectionCriteria.create(13, 1_150), ALL));
    assertEquals(Optional.empty(), load("p", SnapshotSelectionCriteria.create(13, 999), ALL));
  }

  @Test
  void oneThatIsDeletedByItsMetadataIsGoneAlone() {
    rig.snapshots(new SnapshotProtocol.DeleteSnapshot(SnapshotMetadata.apply("p", 12, 1_200)),
        DeleteSnapshotSuccess.class);
    assertEquals(Optional.of("s-11"), load("p", SnapshotSelectionCriteria.create(12, ALL), ALL));
    assertEquals(Optional.of("s-13"), load("p", SnapshotSelectionCriteria.create(13, ALL), ALL));
  }

  @Test
  void allThatCriteriaMatchAreGone() {
    rig.snapshots(new SnapshotProtocol.DeleteSnapshots("p", SnapshotSelectionCriteria.create(12, 1_200)),
        DeleteSnapshotsSuccess.class);
    assertEquals(Optional.empty(), load("p", SnapshotSelectionCriteria.create(12, ALL), ALL));
    assertEquals(Optional.of("s-13"), load("p", SnapshotSelectionCriteria.create(13, ALL), ALL));
  }

  @Test
  void olderThanATimeIsNotGoneWithTheNumber() {
    rig.snapshots(new SnapshotProtocol.DeleteSnapshots("p", SnapshotSelectionCriteria.create(14, 1_150)),
        DeleteSnapshotsSuccess.class);
    assertEquals(Optional.of("s-12"), load("p", SnapshotSelectionCriteria.create(12, ALL), ALL));
    assertEquals(Optional.empty(), load("p", SnapshotSelectionCriteria.create(11, ALL), ALL));
  }

  @Test
  void aSecondOneOfTheSameNumberReplacesTheFirst() {
    save("p", 14, "again");
    assertEquals(Optional.of("again"), load("p", SnapshotSelectionCriteria.latest(), ALL));
  }

  @Test
  void aLargeOneIsKeptWhole() {
    var large = "x".repeat(4 << 20);
    save("p", 15, large);
    assertEquals(Optional.of(large), load("p", SnapshotSelectionCriteria.latest(), ALL));
  }

  @Test
  void oneThatCannotBeSerialisedFailsAndLeavesTheOthers() {
    var failure = rig.snapshots(
        new SnapshotProtocol.SaveSnapshot(SnapshotMetadata.apply("p", 15, 1_500), new Object()),
        SaveSnapshotFailure.class);
    assertEquals(15, failure.metadata().sequenceNr());
    assertEquals(Optional.of("s-14"), load("p", SnapshotSelectionCriteria.latest(), ALL));
  }

  @Test
  void oneOfAHistoryWithoutEventsHoldsOnlyWhileItHasNone() {
    save("empty", 3, "s-3");
    assertEquals(Optional.of("s-3"), load("empty", SnapshotSelectionCriteria.latest(), ALL));
    rig.replay("empty");
    rig.writeTexts("empty", 1, 4);
    assertEquals(Optional.empty(), load("empty", SnapshotSelectionCriteria.latest(), ALL));
  }

  @Test
  void metadataComeBackWithTheSnapshot() {
    var selected = select("p", SnapshotSelectionCriteria.latest(), ALL).orElseThrow();
    assertEquals(SnapshotMetadata.apply("p", 14, 1_400), selected.metadata());
  }

  @Test
  void whatWasSaidBesideASnapshotComesBackWithIt() {
    var beside = SnapshotMetadata.apply("p", 15, 0, Option.apply("said beside"));
    rig.snapshots(new SnapshotProtocol.SaveSnapshot(beside, "s-15"), SaveSnapshotSuccess.class);
    var selected = select("p", SnapshotSelectionCriteria.latest(), ALL).orElseThrow();
    assertEquals("s-15", selected.snapshot());
    assertEquals(Option.apply("said beside"), selected.metadata().metadata());
  }

  private void save(String persistenceId, long seq, Object snapshot) {
    var saved = rig.snapshots(
        new SnapshotProtocol.SaveSnapshot(SnapshotMetadata.apply(persistenceId, seq, 0), snapshot),
        SaveSnapshotSuccess.class);
    assertEquals(seq, saved.metadata().sequenceNr());
  }

  private Optional<Object> load(String persistenceId, SnapshotSelectionCriteria criteria, long to) {
    return select(persistenceId, criteria, to).map(SelectedSnapshot::snapshot);
  }

  private Optional<SelectedSnapshot> select(String persistenceId, SnapshotSelectionCriteria criteria, long to) {
    var result = rig.snapshots(
        new SnapshotProtocol.LoadSnapshot(persistenceId, criteria, to), SnapshotProtocol.LoadSnapshotResult.class);
    return OptionConverters.toJava(result.snapshot());
  }
}
