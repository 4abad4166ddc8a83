package dev.portcullis.harness;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** A port whose answers a test decides: what each probe says, when a loss happens, when a stop completes. */
public final class ScriptedHarness implements Harness {
  /** One attempt as the harness sees it. */
  public static final class Played implements Attempt {
    public final AttemptSpec spec;
    public final UpdateSink updates;
    public final CompletableFuture<Void> stopped = new CompletableFuture<>();
    public final List<String> asked = new CopyOnWriteArrayList<>();

    Played(AttemptSpec spec, UpdateSink updates) {
      this.spec = spec;
      this.updates = updates;
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
      return stopped;
    }
  }

  public static final Registration REGISTRATION = new Registration("1.0", Recovery.NATIVE);
  public final Queue<CompletionStage<Registration>> probes = new ConcurrentLinkedQueue<>();
  public final AtomicInteger probed = new AtomicInteger();
  public final List<Played> played = new CopyOnWriteArrayList<>();
  public final CompletableFuture<Void> closed = new CompletableFuture<>();
  private final List<Consumer<HarnessFault>> lost = new ArrayList<>();

  /** Answers one more probe so; when all answers are used up a probe succeeds. */
  public ScriptedHarness then(CompletionStage<Registration> answer) {
    probes.add(answer);
    return this;
  }

  public ScriptedHarness thenReady() {
    return then(CompletableFuture.completedStage(REGISTRATION));
  }

  public ScriptedHarness thenFails(HarnessFault.Code code) {
    return then(CompletableFuture.failedStage(HarnessFault.of(code, "scripted " + code)));
  }

  public ScriptedHarness thenHangs() {
    return then(new CompletableFuture<>());
  }


  public void lose() {
    lost.forEach(listener -> listener.accept(HarnessFault.of(HarnessFault.Code.LOST, "scripted loss")));
  }

  @Override
  public CompletionStage<Registration> probe() {
    probed.incrementAndGet();
    var next = probes.poll();
    return next == null ? CompletableFuture.completedStage(REGISTRATION) : next;
  }

  @Override
  public void onLost(Consumer<HarnessFault> listener) {
    lost.add(listener);
  }

  @Override
  public Attempt start(AttemptSpec spec, UpdateSink updates) {
    var attempt = new Played(spec, updates);
    played.add(attempt);
    return attempt;
  }

  @Override
  public CompletionStage<Void> close(Duration grace) {
    return closed;
  }
}
