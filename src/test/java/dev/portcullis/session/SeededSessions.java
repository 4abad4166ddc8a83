package dev.portcullis.session;

import dev.portcullis.journal.Journal;
import java.util.concurrent.CompletionStage;

/** Many sessions as they lie in a journal after a while, index entries included; for benchmarks. */
public final class SeededSessions {
  private static final String ANSWER = "An answer of about ninety characters, such as people get from an agent all day long: ";

  private final Journal journal;

  public SeededSessions(Journal journal) {
    this.journal = journal;
  }

  public static SessionKey key(int number) {
    return new SessionKey("agent:main:explicit:seeded-" + number);
  }

  /**
   * Writes one session of turns of five events.
   *
   * @param open the last of its turns has not ended: its attempt was cut off
   */
  public CompletionStage<Void> write(int number, int turns, boolean open) {
    var seed = new Seed(journal, key(number));
    for (int turn = 0; turn < turns; turn++) {
      var name = number + "-" + turn;
      if (open && turn == turns - 1) {
        seed.cutTurn("run_" + name, "message " + name, ANSWER + name);
      } else {
        seed.turn("run_" + name, "message " + name, ANSWER + name);
      }
    }
    return seed.submit();
  }
}
