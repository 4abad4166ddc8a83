package dev.portcullis.harness.http;

import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.Harness.Attempt;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.UpdateSink;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One attempt: waits for its turn, calls, reads, and calls again as long as no word of an answer was passed
 * on. It lives on one virtual thread; its lock makes the end the last update.
 */
final class ModelAttempt implements Attempt {
  /** What is shared by all attempts of a harness. */
  record Parts(
      ModelApi api, Semaphore places, ScheduledExecutorService timer, Backoff backoff, Contact contact) {}

  /** What became of one call. */
  private sealed interface Outcome {}

  private record Answered(HarnessUpdate.Completed end) implements Outcome {}

  /** @param asked how long the server wants to be left alone, if it says so */
  private record Setback(HarnessFault fault, boolean again, Optional<Duration> asked) implements Outcome {}

  private static final Logger log = LoggerFactory.getLogger(ModelAttempt.class);
  /** What may follow the last event, and how long it may take, before its connection is not worth keeping. */
  private static final int REST_BYTES_MAX = 64 << 10;
  private static final Duration REST = Duration.ofSeconds(1);
  /** Updates that wait for each other at most, however fast they come. */
  private static final int TOLD_MAX = 64;

  private final Parts parts;
  private final AttemptSpec spec;
  private final UpdateSink updates;
  private final Thread thread;
  private final CountDownLatch over = new CountDownLatch(1);
  private final CompletableFuture<Void> gone = new CompletableFuture<>();
  /** The call under way, if there is one. */
  private Optional<Exchange> exchange = Optional.empty();
  private boolean attached;
  private boolean ended;

  ModelAttempt(Parts parts, AttemptSpec spec, UpdateSink updates) {
    this.parts = parts;
    this.spec = spec;
    this.updates = updates;
    this.thread = Thread.ofVirtual().name("model-" + parts.api().server().name()).unstarted(this::run);
  }

  void begin() {
    thread.start();
  }

  /** Completes when nothing of it is left. */
  CompletionStage<Void> gone() {
    return gone.minimalCompletionStage();
  }

  private void run() {
    try {
      parts.places().acquire();
      try {
        turn();
      } finally {
        parts.places().release();
      }
    } catch (InterruptedException _) {
      // It was aborted or stopped, and whoever did that has said so.
    } catch (HarnessFault fault) {
      end(new HarnessUpdate.Failed(fault));
    } finally { // A bug that gets this far must not leave a run that waits for ever.
      end(new HarnessUpdate.Failed(HarnessFault.of(Code.LOST, "the call ended without a word")));
      gone.complete(null);
    }
  }

  private void turn() throws InterruptedException {
    var server = parts.api().server();
    var body = parts.api().body(Prompt.of(spec, server.instructions(), server.contextTokens()));
    var endsAt = parts.backoff().clock().instant().plus(server.limits().deadline());
    try (var watchdog = Watchdog.start(
        parts.timer(), server.limits().silence(), server.limits().deadline(), this::cut)) {
      for (int tries = 1; ; tries++) {
        switch (call(body, watchdog)) {
          case Answered(var end) -> {
            end(end);
            return;
          }
          case Setback setback -> {
            if (!pause(setback, tries, endsAt)) {
              return;
            }
          }
        }
      }
    }
  }

  /** Waits before the next call; false when there is none. */
  private boolean pause(Setback setback, int tries, Instant endsAt) throws InterruptedException {
    var server = parts.api().server();
    var fault = setback.fault();
    if (!setback.again() || tries > server.limits().retries()) {
      end(new HarnessUpdate.Failed(fault));
      return false;
    }
    var wait = setback.asked().orElseGet(() -> parts.backoff().jitter(tries));
    if (wait.compareTo(Duration.between(parts.backoff().clock().instant(), endsAt)) >= 0) {
      var when = setback.asked()
          .map(asked -> "; it may be asked again in " + asked.plusMillis(999).toSeconds() + " s").orElse("");
      end(new HarnessUpdate.Failed(HarnessFault.of(fault.code(), fault.getMessage() + when)));
      return false;
    }
    log.warn("harness.model_retry name={} run={} code={} tries={} wait_ms={}",
        server.name(), spec.runId(), fault.code(), tries, wait.toMillis());
    return !parts.backoff().pause().await(over, wait);
  }

  // ---- one call
  private Outcome call(byte[] body, Watchdog watchdog) throws InterruptedException {
    var mine = parts.api().turn(body);
    var answer = new Answer(!spec.input().tools().isEmpty());
    var reached = false;
    try {
      if (!isCurrent(mine)) {
        return nothingAgain(HarnessFault.of(Code.CUT, "the call was cut off"));
      }
      if (watchdog.fault().isPresent()) { // It has cut the call before this one, and bites only once.
        return nothingAgain(watchdog.fault().get());
      }
      watchdog.listen();
      var response = mine.await();
      watchdog.heard();
      reached = true;
      parts.contact().made();
      return response.statusCode() / 100 == 2
          ? read(response, watchdog, answer)
          : refused(response, watchdog);
    } catch (IOException broken) {
      return broken(broken, watchdog, answer, reached);
    } catch (HarnessFault malformed) {
      return nothingAgain(malformed);
    } finally {
      mine.cut();
    }
  }

  private static Setback nothingAgain(HarnessFault fault) {
    return new Setback(fault, false, Optional.empty());
  }

  private Outcome broken(IOException broken, Watchdog watchdog, Answer answer, boolean reached) {
    if (answer.whole()) {
      return new Answered(answer.end());
    }
    var late = watchdog.fault();
    if (late.isPresent()) {
      return nothingAgain(late.get());
    }
    if (reached || over.getCount() == 0) { // A call that we have cut ourselves says nothing of the server.
      return cutOff(answer);
    }
    var fault = parts.api().unreachable(broken);
    parts.contact().failed(fault);
    return new Setback(fault, true, Optional.empty());
  }

  private static Setback cutOff(Answer answer) {
    return new Setback(HarnessFault.of(Code.CUT, "the model server ended its answer in the middle"),
        !answer.begun(), Optional.empty());
  }

  private Setback refused(HttpResponse<InputStream> response, Watchdog watchdog) throws IOException {
    var fault = parts.api().refusal(response, watchdog.over(response.body()));
    if (fault.code() == Code.AUTHENTICATION) {
      parts.contact().lost(fault);
    }
    return setback(fault, true, response);
  }

  private Setback setback(HarnessFault fault, boolean silentSoFar, HttpResponse<?> response) {
    var passes = switch (fault.code()) {
      case RATE_LIMITED, OVERLOADED, UPSTREAM -> true;
      case NOT_FOUND, WRONG_VERSION, NOT_CONFIGURED, TIMEOUT, LOST, MALFORMED, REFUSED, AUTHENTICATION, QUOTA,
          CUT, MODEL_NOT_FOUND, CONTEXT_LENGTH, INVALID_REQUEST, CONTENT_REFUSED, REQUESTED -> false;
    };
    return new Setback(fault, passes && silentSoFar, parts.backoff().asked(response.headers()));
  }

  private Outcome read(HttpResponse<InputStream> response, Watchdog watchdog, Answer answer)
      throws IOException {
    var body = watchdog.over(response.body());
    var kind = response.headers().firstValue("content-type").orElse("");
    if (kind.startsWith("application/json") || kind.startsWith("text/html")) {
      return setback(parts.api().noStream(response, body), true, response);
    }
    var told = new ArrayList<HarnessUpdate>(); // What comes at once is told at once.
    if (!attached) {
      attached = true;
      told.add(new HarnessUpdate.Attached("", List.of()));
    }
    var events = new SseReader(body, () -> tell(told));
    try {
      while (!answer.done()) {
        var event = events.next();
        if (event.isEmpty()) {
          return answer.whole() ? new Answered(answer.end()) : cutOff(answer);
        }
        for (var said : parts.api().dialect().decode(event.get())) {
          if (said instanceof ModelEvent.Broken(var error)) {
            return setback(parts.api().broken(error, response), !answer.begun(), response);
          }
          told.addAll(answer.add(said));
        }
        if (told.size() > TOLD_MAX) {
          tell(told);
        }
      }
      end(told, answer.end());
    } finally {
      report(told); // Where it did not end as it should.
    }
    rest(response.body());
    return new Answered(answer.end());
  }

  /** A body that is read to its end leaves its connection to the next call. */
  private void rest(InputStream body) throws IOException {
    var late = parts.timer().schedule(this::cut, REST.toMillis(), TimeUnit.MILLISECONDS);
    body.readNBytes(REST_BYTES_MAX);
    late.cancel(false);
  }

  // ---- what is told, and the end
  private synchronized boolean isCurrent(Exchange next) {
    exchange = Optional.of(next);
    return !ended;
  }

  private void tell(List<HarnessUpdate> told) {
    report(told);
    told.clear();
    updates.awaitRoom(); // With no lock held; meanwhile the server waits too, and nobody calls it silent.
  }

  private synchronized void report(List<HarnessUpdate> several) {
    if (!ended && !several.isEmpty()) {
      updates.acceptAll(List.copyOf(several));
    }
  }

  private void end(HarnessUpdate.End end) {
    end(List.of(), end);
  }

  /** @param before what is told with it */
  private synchronized void end(List<HarnessUpdate> before, HarnessUpdate.End end) {
    if (!ended) {
      ended = true;
      over.countDown();
      updates.acceptAll(Stream.concat(before.stream(), Stream.of(end)).toList());
    }
  }

  /** Whatever the call under way is waiting for, it gets an error instead. */
  private void cut() {
    Optional<Exchange> current;
    synchronized (this) {
      current = exchange;
    }
    current.ifPresent(Exchange::cut);
  }

  @Override
  public void abort(Duration grace) {
    end(new HarnessUpdate.Aborted());
    leave();
  }

  @Override
  public CompletionStage<Void> stop(Duration grace) {
    synchronized (this) {
      ended = true;
    }
    over.countDown();
    leave();
    return gone();
  }

  private void leave() {
    thread.interrupt();
    cut();
  }

  @Override
  public void decide(String approvalId, String digest, boolean allow) {
    // A model that has no tools asks for nothing.
  }
}
