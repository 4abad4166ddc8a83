package dev.portcullis.journal;

import java.util.function.Supplier;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.setup.Setup;

/**
 * How boot hands the opened journal to the plugins, which Pekko makes by name when the first persistent actor
 * starts.
 */
public final class JournalSetup extends Setup {

  private final Supplier<Journal> journal;
  private final EventTypes types;

  public JournalSetup(Journal journal, EventTypes types) {
    this(() -> journal, types);
  }

  /** For a system that must run before its journal is open. */
  public JournalSetup(Supplier<Journal> journal, EventTypes types) {
    this.journal = journal;
    this.types = types;
  }

  Journal journal() {
    return journal.get();
  }

  EventTypes types() {
    return types;
  }

  /** @throws IllegalStateException when the system was made without one */
  static JournalSetup of(ActorSystem system) {
    return system
        .settings()
        .setup()
        .get(JournalSetup.class)
        .orElseThrow(() -> new IllegalStateException("system " + system.name() + " has no JournalSetup"));
  }
}
