package dev.portcullis.ingress;

import dev.portcullis.protocol.Unmet;
import java.time.Instant;
import java.util.List;

/**
 * The gateway as a whole, now.
 *
 * @param state the guardian's state, in lower case: open, draining, …
 * @param unmet empty exactly when {@code ready}
 */
public record GatewayStatus(
    boolean ready,
    String state,
    long incarnation,
    Instant startedAt,
    String version,
    Drain drain,
    List<Unmet> unmet) {

  /**
   * @param by who asked for it, empty when nobody did
   * @param since when, zero or one
   * @param remaining runs that have not come to rest
   */
  public record Drain(boolean draining, String by, List<Instant> since, long remaining) {
    /** No drain is under way. */
    public static final Drain NONE = new Drain(false, "", List.of(), 0);

    public Drain {
      since = List.copyOf(since);
    }
  }

  public GatewayStatus {
    unmet = List.copyOf(unmet);
  }
}
