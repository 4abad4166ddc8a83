package dev.portcullis.boot;

import dev.portcullis.harness.Harnesses;
import dev.portcullis.ingress.GatewayStatus;
import dev.portcullis.ingress.Operations;
import dev.portcullis.ops.Readiness;
import dev.portcullis.protocol.Unmet;
import dev.portcullis.session.Gate;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * How the gateway stands, for everybody who asks from outside: one value for readiness, status and metrics.
 * Written by the guardian alone; harness states are read from the very registry that dispatch uses.
 */
final class Standing implements Readiness, Operations {
  /** The guardian's states. */
  enum Phase { CONFIGURING, OPENING_JOURNAL, AWAITING_HARNESSES, RECOVERING, OPEN, DRAINING, STOPPED }

  private final Harnesses harnesses;
  private final Gate gate;
  private final Consumer<String> onDrain;
  private final String version;
  private final Instant startedAt;
  private final Clock clock;
  private final AtomicReference<Phase> phase = new AtomicReference<>(Phase.CONFIGURING);
  private final AtomicReference<GatewayStatus.Drain> drain = new AtomicReference<>(GatewayStatus.Drain.NONE);
  private final AtomicLong incarnation = new AtomicLong();

  /** @param onDrain hears who asked for a drain; must not block */
  Standing(Harnesses harnesses, Gate gate, String version, Clock clock, Consumer<String> onDrain) {
    this.harnesses = harnesses;
    this.gate = gate;
    this.version = version;
    this.clock = clock;
    this.onDrain = onDrain;
    this.startedAt = clock.instant();
  }

  void enter(Phase next) {
    phase.set(next);
  }

  void incarnation(long number) {
    incarnation.set(number);
  }

  void draining(String by) {
    drain.set(new GatewayStatus.Drain(true, by, List.of(clock.instant()), 0));
    enter(Phase.DRAINING);
  }

  void remaining(long runs) {
    drain.updateAndGet(now -> new GatewayStatus.Drain(now.draining(), now.by(), now.since(), runs));
  }

  @Override
  public List<Unmet> unmet() {
    var unmet = new ArrayList<Unmet>();
    switch (phase.get()) {
      case CONFIGURING, OPENING_JOURNAL -> unmet.add(new Unmet("journal", "the journal is not open yet"));
      case AWAITING_HARNESSES ->
          unmet.add(new Unmet("boot", "declared harnesses have not all registered yet"));
      case RECOVERING -> unmet.add(new Unmet("recovery", "open runs are being looked at"));
      case DRAINING, STOPPED -> unmet.add(new Unmet("drain", "the gateway is stopping"));
      case OPEN -> { }
    }
    if (gate.state() == Gate.State.FENCED) {
      unmet.add(new Unmet("journal", "the journal failed, or other nodes declared this one gone; it stops"));
    }
    if (gate.state() == Gate.State.STORAGE_LOW) {
      unmet.add(new Unmet("storage", "free space is below portcullis.journal.low-space"));
    }
    for (var entry : harnesses.snapshot().values()) {
      switch (entry.state()) {
        case Harnesses.State.Ready _ -> { }
        case Harnesses.State.Registering(var cause) ->
            unmet.add(new Unmet("harness", entry.name() + " is registering"
                + (cause.isEmpty() ? "" : ": " + cause)));
        case Harnesses.State.Unavailable(var cause, _) ->
            unmet.add(new Unmet("harness", entry.name() + " is unavailable: " + cause));
      }
    }
    return unmet;
  }

  @Override
  public boolean started() {
    return phase.get().compareTo(Phase.OPEN) >= 0;
  }

  @Override
  public GatewayStatus status() {
    var unmet = unmet();
    return new GatewayStatus(
        unmet.isEmpty(),
        gate.state() == Gate.State.FENCED ? "fenced" : phase.get().name().toLowerCase(Locale.ROOT),
        incarnation.get(),
        startedAt,
        version,
        drain.get(),
        unmet);
  }

  @Override
  public void drain(String by) {
    onDrain.accept(by);
  }
}
