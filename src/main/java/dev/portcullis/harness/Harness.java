package dev.portcullis.harness;

import dev.portcullis.protocol.Need;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/** One declared way to run turns. Thread-safe; no method blocks. */
public interface Harness {
  /**
   * Proves that turns can be run, without a model call: program found, version accepted, handshake answered.
   * Fails with a {@link HarnessFault}. May be called again at any time, also while attempts run.
   */
  CompletionStage<Registration> probe();

  /**
   * Calls {@code lost} when what the last successful probe proved is no longer so; at most once per
   * successful probe.
   */
  void onLost(Consumer<HarnessFault> lost);

  /**
   * Starts one attempt. {@code updates} hears, in order: {@link HarnessUpdate.Attached} once the harness has
   * taken it, then what happens, then exactly one {@link HarnessUpdate.End}; nothing after that. It may be
   * called from any thread, one at a time. An attempt that ends before the harness took it hears its end
   * alone. One that lost its process hears its end when nothing of that is left, for the next attempt may be
   * on another harness.
   */
  Attempt start(AttemptSpec spec, UpdateSink updates);

  /** Ends every process of this harness; completes when none is left. */
  CompletionStage<Void> close(Duration grace);

  /**
   * What a successful probe learned.
   *
   * @param version empty where the peer does not tell
   * @param steers whether a running turn takes further messages
   * @param takes what a turn may carry besides its text
   */
  record Registration(String version, Recovery recovery, boolean steers, Set<Need> takes) {
    public Registration {
      takes = Set.copyOf(takes);
    }

    public Registration(String version, Recovery recovery, boolean steers) {
      this(version, recovery, steers, Set.of());
    }

    public Registration(String version, Recovery recovery) {
      this(version, recovery, false);
    }
  }

  /** How an interrupted run goes on: in the peer's own session, from our transcript, or not by itself. */
  enum Recovery { NATIVE, REPLAY, NONE }

  /** The live end of one attempt. All methods may be called at any time and repeatedly; none blocks. */
  interface Attempt {
    /**
     * Asks the peer to stop; the end arrives as an update, at the latest after {@code grace}, by force if
     * need be.
     */
    void abort(Duration grace);

    /**
     * Answers an approval the peer asked for; unknown ids are ignored, and so is a second answer.
     *
     * @param digest of what was approved: an action that is no longer that is denied
     */
    void decide(String approvalId, String digest, boolean allow);

    /**
     * Adds a message to the running turn. Completes with true once the peer has taken it, with false when it
     * will not: then it is a turn of its own. An attempt that ends completes it before it reports the end.
     */
    default CompletionStage<Boolean> steer(String message) {
      return CompletableFuture.completedStage(false);
    }

    /**
     * Gives the attempt up, without a further update: protocol cancel, stdin closed, SIGTERM, hard stop.
     * Completes when no process of the attempt is left.
     */
    CompletionStage<Void> stop(Duration grace);
  }
}
