package dev.portcullis.harness.acp;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.ProcessIdentity;
import dev.portcullis.harness.jsonrpc.JsonRpcPeer;
import dev.portcullis.harness.jsonrpc.Reply;
import dev.portcullis.harness.process.HarnessProcess;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.ProcessListener;
import dev.portcullis.harness.process.ProcessSpec;
import dev.portcullis.harness.process.Program;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One agent process and the protocol spoken with it. Holds at most one session, with at most one turn at a
 * time.
 */
final class AcpConnection implements ProcessListener, JsonRpcPeer.Handler {
  /** Who hears of the turn that runs. */
  interface Turn {
    void updated(AcpUpdate update);

    void asked(JsonNode requestId, AcpPermission permission);
  }

  /** What is needed to start agents of one harness. */
  record Parts(HarnessConfig.Acp config, ProcessLauncher launcher, ScheduledExecutorService timer) {}

  /** A session that can be prompted; {@code fresh}: it knows nothing of the conversation so far. */
  record Opened(String sessionId, boolean fresh) {}

  private record Route(String sessionId, Turn turn) {}

  private static final Route NOWHERE = new Route("", new Deaf());
  /**
   * Gemini tells a loaded session again after it said that it is loaded: it is over when it is silent for so
   * long.
   */
  private static final Duration SILENCE = Duration.ofMillis(300);
  private static final Logger log = LoggerFactory.getLogger(AcpConnection.class);

  private final Parts parts;
  private final Path directory;
  private final JsonRpcPeer peer;
  private final CompletableFuture<HarnessProcess> process = new CompletableFuture<>();
  private final CompletableFuture<AcpAgent> agent = new CompletableFuture<>();
  private final CompletableFuture<HarnessFault> ended = new CompletableFuture<>();
  private final AtomicReference<Route> route = new AtomicReference<>(NOWHERE);
  private final AtomicReference<String> session = new AtomicReference<>("");
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicLong lastUpdate = new AtomicLong(System.nanoTime());

  /** Starts the program and shakes hands; {@link #ready} tells how that went. */
  static AcpConnection open(Parts parts, Path directory) {
    var connection = new AcpConnection(parts, directory);
    connection.begin();
    return connection;
  }

  private AcpConnection(Parts parts, Path directory) {
    this.parts = parts;
    this.directory = directory;
    this.peer = new JsonRpcPeer(parts.config().name(),
        line -> process.thenAccept(running -> running.send(line)), this, parts.timer());
  }

  private void begin() {
    var config = parts.config();
    try {
      var program = Program.find(config.program().command(), parts.launcher().path());
      var spec = new ProcessSpec(config.name(), program, config.program().args(), config.program().env(), directory);
      parts.launcher().launch(spec, this).whenComplete((running, failure) -> {
        if (failure == null) {
          process.complete(running);
          shakeHands();
        } else {
          fail(AcpAttempt.fault(failure));
        }
      });
    } catch (HarnessFault fault) {
      fail(fault);
    }
  }

  /** It never ran: nothing is left to be stopped. */
  private void fail(HarnessFault fault) {
    process.completeExceptionally(fault);
    agent.completeExceptionally(fault);
    ended(fault);
  }

  private void shakeHands() {
    peer.request("initialize", AcpCodec.initialize(), parts.config().program().startDeadline())
        .thenApply(reply -> switch (reply) {
          case Reply.Result(var result) -> AcpCodec.decodeAgent(result);
          case Reply.Error error -> throw AcpCodec.decodeHandshakeError(error);
        })
        .whenComplete((known, failure) -> {
          if (failure == null) {
            agent.complete(known);
          } else {
            agent.completeExceptionally(AcpAttempt.fault(failure));
          }
        });
  }

  /** Completes with what the agent said of itself, or fails with a {@link HarnessFault}. */
  CompletionStage<AcpAgent> ready() {
    return agent;
  }

  /** Completes when the process is gone or broke the protocol beyond use. */
  CompletionStage<HarnessFault> ended() {
    return ended;
  }

  /** Whether its process runs, asked of the kernel: news of its death may still be on the way. */
  boolean alive() {
    return process.isDone() && !process.isCompletedExceptionally() && process.join().alive();
  }

  ProcessIdentity identity() {
    return process.join().identity(); // Asked for only once the agent is ready.
  }

  /** Makes a session, or reopens the one named; one that can't be reopened is replaced by a new one. */
  CompletionStage<Opened> openSession(String wanted, boolean mayReopen) {
    if (!wanted.isEmpty() && wanted.equals(session.get())) {
      return CompletableFuture.completedStage(new Opened(wanted, false));
    }
    var known = agent.join();
    if (wanted.isEmpty() || !mayReopen || !(known.resumes() || known.loads())) {
      return newSession();
    }
    var method = known.resumes() ? "session/resume" : "session/load";
    var limit = parts.config().program().startDeadline();
    return peer.request(method, AcpCodec.openSession(wanted, directory), limit)
        .thenCompose(reply -> switch (reply) {
          case Reply.Result(var result) when result.path("sessionId").asText(wanted).equals(wanted) ->
              (known.resumes() ? CompletableFuture.<Void>completedStage(null) : silence())
                  .thenApply(_ -> opened(wanted, false));
          case Reply.Result _ -> newSession(); // Some other session; ours is gone.
          case Reply.Error(var code, _, _) -> {
            log.info("acp.session_not_reopened name={} method={} code={}",
                parts.config().name(), method, code);
            yield newSession();
          }
        });
  }

  private CompletionStage<Opened> newSession() {
    return peer.request("session/new", AcpCodec.newSession(directory), parts.config().program().startDeadline())
        .thenApply(reply -> switch (reply) {
          case Reply.Result(var result) -> opened(AcpCodec.decodeSessionId(result), true);
          case Reply.Error error -> throw AcpCodec.decodeError("session/new", error, agent.join());
        });
  }

  private Opened opened(String sessionId, boolean fresh) {
    session.set(sessionId);
    return new Opened(sessionId, fresh);
  }

  private CompletionStage<Void> silence() {
    var silent = new CompletableFuture<Void>();
    lastUpdate.set(System.nanoTime());
    awaitSilence(silent, System.nanoTime() + parts.config().program().startDeadline().toNanos());
    return silent;
  }

  private void awaitSilence(CompletableFuture<Void> silent, long deadline) {
    var left = SILENCE.toNanos() - (System.nanoTime() - lastUpdate.get());
    if (left <= 0 || System.nanoTime() > deadline) {
      silent.complete(null);
    } else {
      parts.timer().schedule(() -> awaitSilence(silent, deadline), left, TimeUnit.NANOSECONDS);
    }
  }

  /** Starts a turn; its end is the answer. Updates go to {@code turn} until then. */
  CompletionStage<Reply> prompt(String sessionId, String text, Turn turn) {
    route.set(new Route(sessionId, turn));
    return peer.request("session/prompt", AcpCodec.prompt(sessionId, text));
  }

  /** Updates after the end of a turn belong to nobody. */
  void turnOver() {
    route.set(NOWHERE);
  }

  void cancel(String sessionId) {
    peer.notify("session/cancel", AcpCodec.session(sessionId));
  }

  void answer(JsonNode requestId, JsonNode result) {
    peer.answer(requestId, result);
  }

  /** Ends the process and all it started. */
  CompletionStage<Void> stop(Duration grace) {
    return process.handle((running, failure) -> failure == null
        ? running.stop(grace)
        : CompletableFuture.<Void>completedStage(null)).thenCompose(stopped -> stopped);
  }

  /** The last of what the agent wrote to standard error, in one line for the log. */
  private String errorTail() {
    var ran = process.isDone() && !process.isCompletedExceptionally();
    return ran ? process.join().errorTail().strip().replace("\n", " | ") : "";
  }

  // ---- from the process

  @Override
  public void line(String line) {
    peer.receive(line);
  }

  @Override
  public void ended(HarnessFault fault) {
    if (dropped.get() > 0) {
      log.info("acp.updates_dropped name={} count={}", parts.config().name(), dropped.get());
    }
    peer.close(fault);
    ended.complete(fault);
  }

  @Override
  public void notified(String method, JsonNode params) {
    if (!method.equals("session/update")) {
      return; // Private extensions, before all.
    }
    lastUpdate.set(System.nanoTime());
    var to = route.get();
    if (!params.path("sessionId").asText("").equals(to.sessionId())) {
      dropped.incrementAndGet();
      return;
    }
    try {
      to.turn().updated(AcpCodec.decodeUpdate(params));
    } catch (HarnessFault fault) {
      log.warn("acp.update_ignored name={} cause={}", parts.config().name(), fault.getMessage());
    }
  }

  @Override
  public boolean asked(JsonNode id, String method, JsonNode params) {
    if (!method.equals("session/request_permission")) {
      return false;
    }
    var to = route.get();
    if (!params.path("sessionId").asText("").equals(to.sessionId())) {
      peer.answer(id, AcpCodec.cancelled());
      return true;
    }
    try {
      to.turn().asked(id, AcpCodec.decodePermission(params));
    } catch (HarnessFault fault) {
      log.warn("acp.permission_refused name={} cause={}", parts.config().name(), fault.getMessage());
      peer.answer(id, AcpCodec.cancelled());
    }
    return true;
  }

  /** Hears nothing: no session has an empty id. */
  private record Deaf() implements Turn {
    @Override
    public void updated(AcpUpdate update) {}

    @Override
    public void asked(JsonNode requestId, AcpPermission permission) {}
  }

  /** Says that the agent went away in the middle of something. */
  void logLoss(String during, HarnessFault fault) {
    log.warn("acp.process_lost name={} during={} code={} cause=\"{}\" stderr=\"{}\"",
        parts.config().name(), during, fault.code() == Code.LOST ? "lost" : fault.code(), fault.getMessage(),
        errorTail());
  }
}
