package dev.portcullis.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.FaultModel.Command;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Stores that fail, delay, and do what they say they did not: whatever happens, what was acknowledged is there. */
class FaultyStoreTest {
  private static final int COMMANDS = 10_000;
  private static final int TORTURE = 1_000_000;
  private static final int GROUP_MAX = 12;
  private static final int CALLS = 400;
  private static final int FAULTS_PER_CENT = 5;
  private static final List<String> IDS = IntStream.range(0, 8).mapToObj(i -> "session-" + i).toList();

  private final LinkedBlockingQueue<JournalFault> faults = new LinkedBlockingQueue<>();
  private final AtomicReference<FaultyStore> store = new AtomicReference<>();
  private final MemoryDisk disk = new MemoryDisk();
  private final Map<FaultyStore.Fault, Integer> lives = new HashMap<>();
  private final List<Command> unknown = new ArrayList<>();
  private FaultModel truth = new FaultModel();
  private int applied;

  @Test
  @Tag("J-5")
  @Tag("INV-J2")
  @Tag("INV-J3")
  @Tag("INV-J6")
  void whatWasAcknowledgedIsThereAndWhatIsUnknownIsThereWhollyOrNotAtAll() {
    live(COMMANDS, Long.getLong("crash.seed", System.nanoTime()));
  }

  @Test
  @Tag("torture")
  @Tag("J-5")
  void aMillionCommandsFindNothingLost() {
    live(TORTURE, Long.getLong("crash.seed", System.nanoTime()));
  }

  @Test
  @Tag("INV-J3")
  void aReadThatFailsFencesTheJournal() throws InterruptedException {
    try (var journal = open(Map.of())) {
      Samples.append(journal, "session-1", 2);
    }
    try (var journal = open(Map.of(2, FaultyStore.Fault.FAIL))) {
      store.get().begin();
      assertEquals(2, journal.highest("session-1"));
      assertThrows(JournalFault.class, () -> journal.highest("session-1"));
      assertTrue(journal.failed());
      assertEquals(JournalFault.Code.IO, faults.poll(10, TimeUnit.SECONDS).code());
      var refused = journal.append(List.of(Samples.event("session-1", 3)), List.of());
      assertEquals(JournalFault.Code.IO, fault(refused).code());
      assertEquals(0, store.get().writesAfterFault());
    }
    try (var journal = open(Map.of())) {
      assertEquals(2, Samples.replay(journal, "session-1").size());
    }
  }

  /** Life after life on one disk, each until a call fails or the schedule is over. */
  private void live(int commands, long seed) {
    var random = new Random(seed);
    int sent = 0;
    try {
      while (sent < commands) {
        sent += oneLife(random);
      }
      oneLife(random); // Looks at what the last one has left.
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("seed " + seed + " after " + sent + " commands: " + e.getMessage(), e);
    }
    System.out.println("FaultyStoreTest commands=" + sent + " lives=" + lives + " unknown_applied=" + applied
        + " seed=" + seed);
    assertTrue(lives.getOrDefault(FaultyStore.Fault.FAIL, 0) > commands / 1_000, "too few faults: " + lives);
    assertTrue(lives.getOrDefault(FaultyStore.Fault.EXECUTE_THEN_FAIL, 0) > commands / 1_000,
        "too few faults: " + lives);
  }

  /** Looks at what the life before has left, then goes on until a call fails. */
  private int oneLife(Random random) {
    int sent = 0;
    try (var journal = open(schedule(random))) {
      journal.verify();
      resolve(FaultModel.read(journal, IDS));
      store.get().begin();
      while (store.get().failed().isEmpty() && sent < CALLS) {
        var answers = new ArrayList<CompletionStage<Void>>();
        var planned = truth.copy();
        var group = new ArrayList<Command>();
        for (int i = random.nextInt(GROUP_MAX); i >= 0; i--) {
          var command = planned.next(random, IDS);
          planned.apply(command);
          group.add(command);
          answers.add(FaultModel.send(journal, command));
        }
        sent += group.size();
        settle(group, answers);
      }
      fenced(journal);
    }
    return sent;
  }

  /** Five calls in a hundred go wrong, a third of them in each way. */
  private static Map<Integer, FaultyStore.Fault> schedule(Random random) {
    var schedule = new HashMap<Integer, FaultyStore.Fault>();
    for (int call = 1; call <= CALLS; call++) {
      if (random.nextInt(100) < FAULTS_PER_CENT) {
        schedule.put(call, FaultyStore.Fault.values()[random.nextInt(3)]);
      }
    }
    return schedule;
  }

  /** What was acknowledged is true from now on; nothing is acknowledged after the first that was not. */
  private void settle(List<Command> group, List<CompletionStage<Void>> answers) {
    for (int i = 0; i < group.size(); i++) {
      try {
        Samples.done(answers.get(i));
        assertTrue(unknown.isEmpty(), "acknowledged after a fault: " + group.get(i));
        truth.apply(group.get(i));
      } catch (CompletionException refused) {
        if (unknown.isEmpty()) { // What was to follow a refused one may be refused for not following.
          assertEquals(JournalFault.Code.IO, fault(answers.get(i)).code());
        }
        unknown.add(group.get(i));
      }
    }
  }

  /** After a fault: one report, no acknowledgement, and no call of the store that writes. */
  private void fenced(Journal journal) {
    var failed = store.get().failed();
    assertEquals(failed.isPresent(), journal.failed());
    failed.ifPresent(fault -> {
      lives.merge(fault, 1, Integer::sum);
      var id = IDS.getFirst();
      var late = journal.append(List.of(Samples.event(id, truth.of(id).highest() + 1)), List.of());
      assertEquals(JournalFault.Code.IO, fault(late).code());
      try {
        assertEquals(JournalFault.Code.IO, faults.poll(10, TimeUnit.SECONDS).code());
      } catch (InterruptedException stop) {
        Thread.currentThread().interrupt();
      }
      assertEquals(0, store.get().writesAfterFault());
    });
    assertTrue(faults.isEmpty(), () -> "reported more than once: " + faults);
  }

  /** The disk holds what was acknowledged and the first few of what is unknown, each wholly. */
  private void resolve(FaultModel found) {
    var candidate = truth.copy();
    for (int more = 0; !candidate.agrees(found, IDS); more++) {
      assertFalse(more == unknown.size(), () -> "found " + found + "\nacknowledged " + truth + "\nunknown " + unknown);
      candidate.apply(unknown.get(more));
      applied++;
    }
    truth = candidate;
    unknown.clear();
  }

  private Journal open(Map<Integer, FaultyStore.Fault> schedule) {
    return disk.open(faults::add, real -> {
      store.set(new FaultyStore(real, schedule));
      return store.get();
    });
  }

  private static JournalFault fault(CompletionStage<Void> stage) {
    var failure = assertThrows(CompletionException.class, () -> Samples.done(stage));
    return assertInstanceOf(JournalFault.class, failure.getCause());
  }
}
