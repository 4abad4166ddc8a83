package dev.portcullis.cli;

import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Follows one run to its end, through restarts of the gateway: events are numbered, so that none is lost or
 * repeated.
 */
final class RunTail {
  private final GatewayClient client;
  private final Console console;
  private final Patience patience;
  private final Consumer<SseFrames.Frame> printer;

  RunTail(GatewayClient client, Console console, Patience patience, Consumer<SseFrames.Frame> printer) {
    this.client = client;
    this.console = console;
    this.patience = patience;
    this.printer = printer;
  }

  /**
   * @param after number of the last event that is known already
   * @param connected whether the gateway has answered before, so that its silence means a restart
   * @return the exit code: 0 when the run completed, 1 when it failed, was aborted or waits for a person
   */
  int follow(String runId, long after, boolean connected) {
    var position = new Position(after, connected, console.clock().instant());
    var told = false;
    while (!Thread.currentThread().isInterrupted()) {
      var reached = read(runId, position);
      if (reached.ended()) {
        return reached.exit();
      }
      if (!told || reached.after() > position.after()) {
        told = true;
        console.note("[the connection is gone; waiting for the gateway to come back]");
      }
      position = reached;
      LockSupport.parkNanos(patience.pause().toNanos());
    }
    return 1;
  }

  /** Reads until the stream ends for whatever reason, and says how far it came. */
  private Position read(String runId, Position from) {
    var position = from;
    try (var lines = client.lines("/api/v1/runs/" + GatewayClient.segment(runId) + "/events?after="
        + from.after())) {
      var frames = new SseFrames(lines.iterator());
      while (!position.ended() && frames.hasNext()) {
        var frame = frames.next();
        printer.accept(frame);
        position = position.reached(frame, console.clock().instant());
      }
      return position;
    } catch (UncheckedIOException cut) {
      return position;
    } catch (CliFault fault) {
      if (!isPassing(fault) || !position.connected() || isOver(position)
          || Thread.currentThread().isInterrupted()) {
        throw fault;
      }
      return position;
    }
  }

  private static boolean isPassing(CliFault fault) {
    return fault.code() == CliFault.Code.ABSENT || fault.code() == CliFault.Code.UNAVAILABLE;
  }

  private boolean isOver(Position position) {
    return position.sign().plus(patience.total()).isBefore(console.clock().instant());
  }

  /** @param sign when the gateway was heard last; {@code exit} counts once {@code ended} */
  private record Position(long after, boolean connected, Instant sign, boolean ended, int exit) {
    Position(long after, boolean connected, Instant sign) {
      this(after, connected, sign, false, 0);
    }

    Position reached(SseFrames.Frame frame, Instant now) {
      return switch (frame.event()) {
        case "completed" -> new Position(frame.id(), true, now, true, 0);
        case "failed", "aborted", "parked" -> new Position(frame.id(), true, now, true, 1);
        default -> new Position(frame.id(), true, now);
      };
    }
  }
}
