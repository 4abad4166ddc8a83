package dev.portcullis.ops;

import dev.portcullis.protocol.Unmet;
import java.util.List;

/** Whether the gateway takes work now. Thread-safe, never blocks. */
public interface Readiness {
  /** Everything that must hold and does not; empty means ready. */
  List<Unmet> unmet();

  /** Whether it was ready once in this incarnation. */
  boolean started();
}
