package dev.portcullis.session;

import dev.portcullis.journal.MemoryDisk.Fault;
import dev.portcullis.session.Word.Kind;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.Tuple;
import java.util.List;

/** Something that happens to a session. Numbers name what is there when its turn comes, so that steps can be left out. */
sealed interface Step {
  /** @param key 0 for none */
  record Submit(int key, int body) implements Step {}

  record Abort(int which) implements Step {}

  record Resume(int which) implements Step {}

  /** @param changed the answer is to something else than what was asked */
  record Decide(int which, boolean allow, boolean changed) implements Step {}

  /** The live attempt is heard. */
  record Hear(Word word) implements Step {}

  /** Any attempt that ever was is heard. */
  record Late(int which, Word word) implements Step {}

  record Wait(int seconds) implements Step {}

  record Storage(boolean low) implements Step {}

  record Drain() implements Step {}

  record Rest() implements Step {}

  record Crash(boolean autoResume) implements Step {}

  record Clear(boolean erase) implements Step {}

  /** The first write of the step fails, and the node with it. */
  record Failing(Fault fault, Step step) implements Step {}

  int LONGEST = 60;

  static Arbitrary<List<Step>> histories() {
    return any().list().ofMaxSize(LONGEST).withSizeDistribution(RandomDistribution.uniform());
  }

  private static Arbitrary<Step> any() {
    return Arbitraries.frequencyOf(
        Tuple.of(20, simple()),
        Tuple.of(1, Combinators.combine(Arbitraries.of(Fault.LOST, Fault.WRITTEN), simple()).as(Failing::new)));
  }

  private static Arbitrary<Step> simple() {
    var which = Arbitraries.integers().between(0, 12);
    var flag = Arbitraries.of(true, false);
    return Arbitraries.<Step>frequencyOf(
        Tuple.of(22, Combinators.combine(Arbitraries.integers().between(0, 4), Arbitraries.of(0, 0, 0, 1))
            .as(Submit::new)),
        Tuple.of(60, words().map(Hear::new)),
        Tuple.of(5, Combinators.combine(which, words()).as(Late::new)),
        Tuple.of(7, which.map(Abort::new)),
        Tuple.of(6, which.map(Resume::new)),
        Tuple.of(8, Combinators.combine(Arbitraries.of(0, 0, 0, 1, 1, 2, 3, 5), flag,
            Arbitraries.of(false, false, false, true)).as(Decide::new)),
        Tuple.of(10, Arbitraries.frequency(
            Tuple.of(3, 1), Tuple.of(6, 40), Tuple.of(6, 320), Tuple.of(2, 1_500), Tuple.of(1, 3_660)).map(Wait::new)),
        Tuple.of(3, flag.map(Storage::new)),
        Tuple.of(4, Arbitraries.just(new Drain())),
        Tuple.of(3, Arbitraries.just(new Rest())),
        Tuple.of(12, Arbitraries.of(true, true, true, true, true, false).map(Crash::new)),
        Tuple.of(2, flag.map(Clear::new)));
  }

  private static Arbitrary<Word> words() {
    var kinds = Arbitraries.frequency(
        Tuple.of(10, Kind.ATTACHED),
        Tuple.of(4, Kind.TEXT),
        Tuple.of(5, Kind.STEP_STARTED),
        Tuple.of(3, Kind.STEP_FINISHED),
        Tuple.of(6, Kind.APPROVAL),
        Tuple.of(1, Kind.WITHDRAWN),
        Tuple.of(1, Kind.USAGE),
        Tuple.of(1, Kind.UNKNOWN),
        Tuple.of(4, Kind.COMPLETED),
        Tuple.of(3, Kind.FAILED),
        Tuple.of(1, Kind.DECLINED),
        Tuple.of(3, Kind.STEERED),
        Tuple.of(1, Kind.ABORTED));
    return Combinators.combine(kinds, Arbitraries.of(1, 2)).as(Word::new);
  }
}
