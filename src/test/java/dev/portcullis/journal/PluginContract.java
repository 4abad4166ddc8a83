package dev.portcullis.journal;

import static dev.portcullis.journal.PluginRig.event;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.persistence.JournalProtocol;
import org.apache.pekko.persistence.PersistentRepr;
import org.apache.pekko.persistence.journal.Tagged;
import org.apache.pekko.testkit.javadsl.TestKit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What Pekko asks of a journal plugin; five events of {@code p} are there. Each store has a subclass. */
@Tag("P-1")
abstract class PluginContract {
  private static final long ALL = Long.MAX_VALUE;

  @TempDir Path directory;

  private Journal journal;
  private PluginRig rig;

  /** Where this test's journal lies; each call says the same place. */
  abstract JournalSettings settings();

  @BeforeEach
  void start() {
    journal = Journal.open(settings(), Samples.noFault());
    rig = new PluginRig(journal);
    if (journal.highest("p") == 0) {
      rig.replay("p");
      rig.writeTexts("p", 1, 5);
    }
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  private void restart() {
    stop();
    start();
  }

  @Test
  void allEventsAreReplayed() {
    var replayed = rig.replay("p");
    assertEquals(List.of("a-1", "a-2", "a-3", "a-4", "a-5"), replayed.payloads());
    assertEquals(5, replayed.highest());
    assertTrue(replayed.events().stream().allMatch(event ->
        event.persistenceId().equals("p") && event.writerUuid().equals(PluginRig.WRITER)
            && !event.deleted() && event.sender() == ActorRef.noSender()));
  }

  @Test
  void aReplayBeginsAtItsLowerBound() {
    assertEquals(List.of(3L, 4L, 5L), rig.replay("p", 3, ALL, ALL).seqs());
  }

  @Test
  void aReplayEndsAtItsUpperBound() {
    assertEquals(List.of(1L, 2L, 3L), rig.replay("p", 1, 3, ALL).seqs());
  }

  @Test
  void aReplayEndsWithItsCount() {
    assertEquals(List.of(1L, 2L, 3L), rig.replay("p", 1, ALL, 3).seqs());
  }

  @Test
  void aReplayKeepsToBothBounds() {
    assertEquals(List.of(2L, 3L, 4L), rig.replay("p", 2, 4, ALL).seqs());
  }

  @Test
  void aReplayKeepsToBothBoundsAndItsCount() {
    assertEquals(List.of(2L, 3L), rig.replay("p", 2, 5, 2).seqs());
  }

  @Test
  void boundsThatAreEqualGiveOneEvent() {
    assertEquals(List.of(2L), rig.replay("p", 2, 2, ALL).seqs());
  }

  @Test
  void aCountOfOneGivesOneEvent() {
    assertEquals(List.of(2L), rig.replay("p", 2, 4, 1).seqs());
  }

  @Test
  void aCountOfZeroGivesNone() {
    assertEquals(List.of(), rig.replay("p", 2, 4, 0).seqs());
  }

  @Test
  void aLowerBoundAboveTheUpperGivesNone() {
    assertEquals(List.of(), rig.replay("p", 3, 2, ALL).seqs());
  }

  @Test
  void aReplayThatHandsOverNothingStillSaysTheHighestNumber() {
    assertEquals(5, rig.replay("p", 1, 5, 0).highest());
    assertEquals(0, rig.replay("nobody").highest());
  }

  @Test
  void deletedEventsStayAwayAndTheHighestNumberStays() {
    rig.delete("p", 3);
    assertEquals(List.of(4L, 5L), rig.replay("p").seqs());
    restart();
    var replayed = rig.replay("p");
    assertEquals(List.of(4L, 5L), replayed.seqs());
    assertEquals(5, replayed.highest());
  }

  @Test
  void theHighestNumberOutlivesTheDeletionOfEverything() {
    rig.delete("p", ALL);
    assertEquals(List.of(), rig.replay("p").seqs());
    restart();
    assertEquals(5, rig.replay("p").highest());
    rig.writeTexts("p", 6, 7);
    assertEquals(List.of("a-6", "a-7"), rig.replay("p").payloads());
  }

  @Test
  void replaysThatADeletionOvertakesEndWithoutAFault() {
    rig.replay("d");
    for (int first = 1; first <= 2_000; first += 100) {
      rig.writeTexts("d", first, first + 99);
    }
    var late = new ArrayList<TestKit>();
    for (int to = 100; to <= 1_900; to += 100) {
      late.add(rig.startReplay(rig.probe(), "d", 1, ALL, ALL));
      rig.delete("d", to);
    }
    for (var probe : late) {
      var seqs = rig.awaitReplay(probe).seqs();
      assertEquals(2_000, seqs.getLast());
      assertEquals(seqs.stream().sorted().distinct().toList(), seqs);
    }
    assertEquals(LongStream.rangeClosed(1_901, 2_000).boxed().toList(), rig.replay("d").seqs());
  }

  @Test
  @Tag("INV-J6")
  void theEventsOfOneAtomicWriteComeBackTogether() {
    assertTrue(rig.write(List.of(List.of(event("p", 6, "x"), event("p", 7, "y"), event("p", 8, "z"))))
        .answers().stream().allMatch(JournalProtocol.WriteMessageSuccess.class::isInstance));
    restart();
    assertEquals(List.of("x", "y", "z"), rig.replay("p", 6, ALL, ALL).payloads());
  }

  @Test
  void anEventThatCannotBeSerialisedIsRejectedBetweenItsNeighbours() {
    var written = rig.write(List.of(
        List.of(event("p", 6, "b-6")), List.of(event("p", 7, new Object())), List.of(event("p", 8, "b-8"))));
    assertTrue(written.succeeded(0));
    assertTrue(written.rejected(1));
    assertTrue(written.succeeded(2));
    var replayed = rig.replay("p", 6, ALL, ALL);
    assertEquals(List.of("b-6", "b-8"), replayed.payloads());
    assertEquals(List.of(6L, 8L), replayed.seqs());
    assertEquals(List.of("b-6", "b-8"), rig.replay("p", 6, ALL, 2).payloads());
    journal.verify();
  }

  @Test
  @Tag("INV-J6")
  void oneEventThatCannotBeSerialisedRejectsItsWholeAtomicWriteAndNoOther() {
    var written = rig.write(List.of(
        List.of(event("p", 6, "b-6"), event("p", 7, new Counter.Unserialisable()), event("p", 8, "b-8")),
        List.of(event("p", 9, "b-9"))));
    assertTrue(IntStream.range(0, 3).allMatch(written::rejected));
    assertTrue(written.succeeded(3));
    assertEquals(List.of("b-9"), rig.replay("p", 6, ALL, ALL).payloads());
  }

  @Test
  void aRejectedEndOfAHistoryIsFollowedAfterARestart() {
    assertTrue(rig.write(List.of(List.of(event("p", 6, new Object())))).rejected(0));
    restart();
    assertEquals(6, rig.replay("p").highest());
    rig.writeTexts("p", 7, 7);
    assertEquals(List.of(1L, 2L, 3L, 4L, 5L, 7L), rig.replay("p").seqs());
    assertFalse(journal.failed());
  }

  @Test
  void theManifestOfAnEventAdapterAndMetadataSurvive() {
    var adapted = PersistentRepr.apply(
            "text", 6, "p", "adapter-v2", false, ActorRef.noSender(), PluginRig.WRITER)
        .withMetadata(new Counter.State(42))
        .withTimestamp(1_234);
    rig.write(List.of(List.of(adapted), List.of(event("p", 7, "plain"))));
    restart();
    var events = rig.replay("p", 6, ALL, ALL).events();
    assertEquals("adapter-v2", events.getFirst().manifest());
    assertEquals(new Counter.State(42), events.getFirst().metadata().get());
    assertEquals(1_234, events.getFirst().timestamp());
    assertEquals("", events.getLast().manifest());
    assertTrue(events.getLast().metadata().isEmpty());
  }

  @Test
  @Tag("INV-M7")
  void aTaggedEventComesWithItsIndexEntry() {
    var tags = Set.of(new IndexEntry.Put("spaces", "p", "6").tag(), "foreign");
    rig.write(List.of(List.of(event("p", 6, new Tagged("tagged", tags)))));
    assertEquals(List.of("tagged"), rig.replay("p", 6, 6, 1).payloads());
    assertEquals(Optional.of("6"), journal.get("spaces", "p"));
  }

  @Test
  void anEventOfAMebibyteSurvives() {
    var text = "x".repeat(1 << 20);
    rig.write(List.of(List.of(event("p", 6, text))));
    restart();
    assertEquals(text, rig.replay("p", 6, 6, 1).payloads().getFirst());
  }

  @Test
  void aHundredRecoveriesAtOnceEachGetTheirOwnHistory() {
    for (int i = 0; i < 100; i++) {
      rig.replay("c-" + i);
      rig.write(List.of(List.of(event("c-" + i, 1, "own-" + i), event("c-" + i, 2, "end"))));
    }
    restart();
    var probes = IntStream.range(0, 100)
        .mapToObj(i -> rig.startReplay(rig.probe(), "c-" + i, 1, ALL, ALL))
        .toList();
    for (int i = 0; i < 100; i++) {
      assertEquals(List.of("own-" + i, "end"), rig.awaitReplay(probes.get(i)).payloads());
    }
  }

  @Test
  void aRecoverySeesTheWriteThatWasSentBeforeIt() {
    for (int seq = 6; seq <= 30; seq++) {
      rig.write(List.of(List.of(event("p", seq, "n"))));
      assertEquals(seq, rig.replay("p", seq, ALL, ALL).highest());
    }
  }

}
