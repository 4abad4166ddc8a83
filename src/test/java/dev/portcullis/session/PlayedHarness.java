package dev.portcullis.session;

import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.UpdateSink;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** A harness whose every word a test says; it stops when it is asked to. */
final class PlayedHarness implements Harness {
  /** One attempt as the harness sees it. {@code offers}: messages to the running turn, and what becomes of them. */
  record Played(
      String harness,
      AttemptSpec spec,
      UpdateSink updates,
      List<String> asked,
      Map<String, CompletableFuture<Boolean>> offers)
      implements Attempt {
    @Override
    public CompletionStage<Boolean> steer(String message) {
      return offers.computeIfAbsent(message, _ -> new CompletableFuture<>());
    }

    @Override
    public void abort(Duration grace) {
      asked.add("abort");
    }

    @Override
    public void decide(String approvalId, String digest, boolean allow) {
      asked.add("decide " + approvalId + " " + allow);
    }

    @Override
    public CompletionStage<Void> stop(Duration grace) {
      asked.add("stop");
      return CompletableFuture.completedStage(null);
    }
  }

  private final String name;
  final List<Played> played;

  PlayedHarness(String name) {
    this(name, new CopyOnWriteArrayList<>());
  }

  private PlayedHarness(String name, List<Played> played) {
    this.name = name;
    this.played = played;
  }

  /** Another one, whose attempts are listed together with those of this one. */
  PlayedHarness beside(String other) {
    return new PlayedHarness(other, played);
  }

  Optional<Played> attempt(String runId, int attempt) {
    return played.stream()
        .filter(each -> each.spec().runId().equals(runId) && each.spec().attempt() == attempt)
        .findFirst();
  }

  @Override
  public CompletionStage<Registration> probe() {
    return CompletableFuture.completedStage(new Registration("1", Recovery.REPLAY, true));
  }

  @Override
  public void onLost(Consumer<HarnessFault> lost) {}

  @Override
  public Attempt start(AttemptSpec spec, UpdateSink updates) {
    var attempt = new Played(name, spec, updates, new CopyOnWriteArrayList<>(), new ConcurrentHashMap<>());
    played.add(attempt);
    return attempt;
  }

  @Override
  public CompletionStage<Void> close(Duration grace) {
    return CompletableFuture.completedStage(null);
  }
}
