package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.Journal;
import dev.portcullis.journal.MemoryDisk;
import dev.portcullis.protocol.HistoryEntry;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tag;

/** Random histories, trimmed and paged: faults, crashes, resets and erasures included. */
class TrimmingTest {
  private static final Instant NOTHING = Instant.MIN;
  private static final Instant EVERYTHING = Instant.MAX;

  @Provide
  Arbitrary<List<Step>> histories() {
    return Step.histories();
  }

  @Provide
  Arbitrary<String> agents() {
    return Arbitraries.of("main", "careful", "pushy");
  }

  private static List<SessionEvent> journalOf(String agent, List<Step> history) {
    var subject = new PureSubject("agent:" + agent + ":main");
    Play.through(subject, new Coverage(), agent, history);
    return subject.journal();
  }

  /** What a session would recover: the base, if there is one, and the events after it. */
  private static SessionState recovered(Journal journal, SessionKey key) {
    var pid = Session.persistenceId(key.entityId()).id();
    var state = new ArrayList<SessionState>();
    state.add(journal.base(pid)
        .map(base -> (SessionState) Seed.CODEC.decode(base.manifest(), base.payload()))
        .orElse(SessionState.empty()));
    journal.replay(pid, state.getFirst().seq() + 1, Long.MAX_VALUE, Long.MAX_VALUE, stored -> state.set(0,
        state.getFirst().apply((SessionEvent) Seed.CODEC.decode(stored.manifest(), stored.payload()))));
    return state.getFirst();
  }

  @Property(tries = 150, edgeCases = EdgeCasesMode.NONE)
  @Tag("INV-J4")
  void theStateFromTheBaseAndTheRestIsTheStateFromAllEventsWhereverItIsTrimmed(
      @ForAll("agents") String agent, @ForAll("histories") List<Step> history) {
    var key = new SessionKey("agent:" + agent + ":main");
    var events = journalOf(agent, history);
    var whole = SessionState.empty().applyAll(events);
    try (var journal = new MemoryDisk().open(fault -> { })) {
      var transcripts = new Transcripts(journal, Runnable::run);
      new Seed(journal, key).write(events).flush();
      long resting = 0;
      var state = SessionState.empty();
      for (long to = 1; to <= events.size(); to++) {
        state = state.apply(events.get((int) to - 1));
        resting = state.open().isEmpty() ? to : resting;
        if (to % 3 == 0 || to == events.size()) {
          var limits = new Trimming.Limits(to, 0, EVERYTHING, NOTHING);
          new Trimming(journal, transcripts, Seed.CODEC, key.entityId(), limits).run();
          assertEquals(resting + 1, journal.firstKept(Session.persistenceId(key.entityId()).id()));
          assertEquals(whole, recovered(journal, key), "trimmed to " + to);
        }
      }
      journal.verify();
      runsAreFound(transcripts, events, resting);
    }
  }

  /** Each run with its status: from its own events, or from what is left of it. */
  private static void runsAreFound(Transcripts transcripts, List<SessionEvent> events, long trimmedTo) {
    var check = new JournalCheck(new Coverage());
    check.follow(events);
    check.all().forEach((run, status) -> {
      switch (transcripts.find(run).orElseThrow()) {
        case Transcripts.Located located -> assertTrue(located.firstSeq() > trimmedTo, run);
        case Transcripts.Trimmed(var trimmed) -> {
          assertEquals(status, trimmed.status());
          assertTrue(trimmed.view().trimmed() && trimmed.end().terminal());
        }
      }
    });
  }

  @Property(tries = 150, edgeCases = EdgeCasesMode.NONE)
  void pagesReadOneAfterTheOtherAreTheWholeHistory(
      @ForAll("agents") String agent, @ForAll("histories") List<Step> history) {
    var key = new SessionKey("agent:" + agent + ":main");
    var events = journalOf(agent, history);
    try (var journal = new MemoryDisk().open(fault -> { })) {
      var transcripts = new Transcripts(journal, Runnable::run);
      var state = new Seed(journal, key).write(events).flush().state();
      var whole = transcripts.history(key.entityId(), state.since(), state.seq(), Integer.MAX_VALUE);
      for (int limit : List.of(1, 2, 5)) {
        var paged = new ArrayList<HistoryEntry>();
        long after = state.since();
        var page = transcripts.history(key.entityId(), after, state.seq(), limit);
        while (!page.isEmpty()) {
          assertTrue(page.size() <= limit);
          paged.addAll(page);
          page = transcripts.history(key.entityId(), page.getLast().seq(), state.seq(), limit);
        }
        assertEquals(whole, paged);
      }
      assertEquals(
          events.stream().skip(state.since()).filter(SessionEvent.TurnAccepted.class::isInstance).count(),
          whole.stream().filter(entry -> entry.role().equals("user")).count(),
          "every turn of the session is in it");
    }
  }
}
