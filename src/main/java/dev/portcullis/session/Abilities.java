package dev.portcullis.session;

import dev.portcullis.harness.Harnesses;
import dev.portcullis.protocol.Need;
import java.util.Set;

/** What the declared harnesses can, as far as they have told. */
interface Abilities {
  /** Whether it goes on with a run that was cut off. */
  boolean resumes(String harness);

  /** Whether it takes turns with these. */
  default boolean takes(String harness, Set<Need> needs) {
    return true;
  }

  static Abilities of(Harnesses harnesses) {
    return new Abilities() {
      @Override
      public boolean resumes(String harness) {
        return harnesses.canResume(harness);
      }

      @Override
      public boolean takes(String harness, Set<Need> needs) {
        return harnesses.takes(harness, needs);
      }
    };
  }
}
