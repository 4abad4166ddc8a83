package dev.portcullis.harness.acp;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness.Registration;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.ProcessIdentity;
import dev.portcullis.harness.agent.AgentConnection;
import dev.portcullis.harness.agent.AgentProcess;
import dev.portcullis.harness.jsonrpc.JsonRpcPeer;
import dev.portcullis.harness.jsonrpc.Reply;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.ProcessListener;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One agent process that speaks the Agent Client Protocol. */
final class AcpConnection implements AgentConnection, ProcessListener, JsonRpcPeer.Handler {
  /** What is needed to start agents of one harness. */
  record Parts(
      HarnessConfig.Acp config, ProcessLauncher launcher, AcpSessionAges ages,
      ScheduledExecutorService timer) {
    Duration limit() {
      return config.program().startDeadline();
    }
  }

  /**
   * Gemini tells a loaded session again after it said that it is loaded: it is over when it is silent for so
   * long.
   */
  private static final Duration SILENCE = Duration.ofMillis(300);
  private static final Logger log = LoggerFactory.getLogger(AcpConnection.class);

  private final Parts parts;
  private final Path directory;
  private final AgentProcess process = new AgentProcess();
  private final JsonRpcPeer peer;
  private final CompletableFuture<AcpAgent> agent = new CompletableFuture<>();
  private final AtomicReference<Optional<Turn>> turn = new AtomicReference<>(Optional.empty());
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
    this.peer = new JsonRpcPeer(name(), process::send, this, parts.timer());
  }

  private String name() {
    return parts.config().name();
  }

  private void begin() {
    process.start(parts.launcher(), parts.config().program(), directory, this)
        .thenCompose(_ -> peer.request("initialize", AcpCodec.initialize(), parts.limit()))
        .thenApply(reply -> switch (reply) {
          case Reply.Result(var result) -> AcpCodec.decodeAgent(result);
          case Reply.Error error -> throw AcpCodec.decodeHandshakeError(error);
        })
        .whenComplete((known, failure) -> {
          if (failure == null) {
            agent.complete(known);
          } else {
            agent.completeExceptionally(HarnessFault.in(failure));
          }
        });
  }

  @Override
  public CompletionStage<Registration> ready() {
    return agent.thenApply(known -> new Registration(known.version(), known.recovery()));
  }

  @Override
  public CompletionStage<HarnessFault> ended() {
    return process.ended();
  }

  @Override
  public boolean alive() {
    return process.alive();
  }

  @Override
  public ProcessIdentity identity() {
    return process.identity();
  }

  @Override
  public CompletionStage<Void> stop(Duration grace) {
    return process.stop(grace);
  }

  @Override
  public String errorTail() {
    return process.errorTail();
  }

  // ---- sessions

  @Override
  public CompletionStage<Opened> open(String wanted) {
    if (!wanted.isEmpty() && wanted.equals(session.get())) {
      return CompletableFuture.completedStage(opened(wanted, false));
    }
    var known = agent.join();
    var reopens = known.resumes() || known.loads();
    if (wanted.isEmpty() || !reopens || !parts.ages().mayReopen(known, wanted)) {
      return newSession();
    }
    var method = known.resumes() ? "session/resume" : "session/load";
    return peer.request(method, AcpCodec.openSession(wanted, directory), parts.limit())
        .thenCompose(reply -> switch (reply) {
          case Reply.Result(var result) when result.path("sessionId").asText(wanted).equals(wanted) ->
              (known.resumes() ? CompletableFuture.<Void>completedStage(null) : silence())
                  .thenApply(_ -> opened(wanted, false));
          case Reply.Result _ -> newSession(); // Some other session; ours is gone.
          case Reply.Error(var code, _, _) -> {
            log.info("acp.session_not_reopened name={} method={} code={}", name(), method, code);
            yield newSession();
          }
        });
  }

  private CompletionStage<Opened> newSession() {
    return peer.request("session/new", AcpCodec.newSession(directory), parts.limit())
        .thenApply(reply -> switch (reply) {
          case Reply.Result(var result) -> opened(AcpCodec.decodeSessionId(result), true);
          case Reply.Error error -> throw AcpCodec.decodeError("session/new", error, agent.join());
        });
  }

  private Opened opened(String sessionId, boolean fresh) {
    session.set(sessionId);
    parts.ages().touched(sessionId);
    return new Opened(sessionId, fresh);
  }

  private CompletionStage<Void> silence() {
    var silent = new CompletableFuture<Void>();
    lastUpdate.set(System.nanoTime());
    awaitSilence(silent, System.nanoTime() + parts.limit().toNanos());
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

  // ---- the turn

  @Override
  public CompletionStage<List<HarnessUpdate>> prompt(String text, Turn listener) {
    turn.set(Optional.of(listener));
    return peer.request("session/prompt", AcpCodec.prompt(session.get(), text))
        .thenApply(reply -> switch (reply) {
          case Reply.Result(var result) -> decodeEnd(result);
          case Reply.Error error -> List.of(new HarnessUpdate.Failed(
              AcpCodec.decodeError("session/prompt", error, agent.join())));
        });
  }

  private static List<HarnessUpdate> decodeEnd(JsonNode result) {
    try {
      return AcpCodec.decodeEnd(result);
    } catch (HarnessFault fault) { // The turn is over all the same, and the process is as good as before.
      return List.of(new HarnessUpdate.Failed(fault));
    }
  }

  @Override
  public void turnOver() {
    turn.set(Optional.empty());
  }

  @Override
  public void cancel() {
    peer.notify("session/cancel", AcpCodec.session(session.get()));
  }

  // ---- from the process

  @Override
  public void line(String line) {
    peer.receive(line);
    turn.get().ifPresent(Turn::awaitRoom);
  }

  @Override
  public void ended(HarnessFault fault) {
    if (dropped.get() > 0) {
      log.info("acp.updates_dropped name={} count={}", name(), dropped.get());
    }
    peer.close(fault);
    process.over(fault);
  }

  private Optional<Turn> turnOf(JsonNode params) {
    return turn.get().filter(_ -> params.path("sessionId").asText("").equals(session.get()));
  }

  @Override
  public void notified(String method, JsonNode params) {
    if (!method.equals("session/update")) {
      return; // Private extensions, before all.
    }
    lastUpdate.set(System.nanoTime());
    var to = turnOf(params);
    if (to.isEmpty()) {
      dropped.incrementAndGet();
      return;
    }
    try {
      tell(to.get(), AcpCodec.decodeUpdate(params));
    } catch (HarnessFault fault) {
      log.warn("acp.update_ignored name={} cause={}", name(), fault.getMessage());
    }
  }

  private static void tell(Turn to, AcpUpdate update) {
    switch (update) {
      case AcpUpdate.Text(var text) -> to.text(text);
      case AcpUpdate.Tool(var call) -> to.tool(call);
      case AcpUpdate.Other(var kind) -> to.unknown(kind);
    }
  }

  @Override
  public boolean asked(JsonNode id, String method, JsonNode params) {
    if (!method.equals("session/request_permission")) {
      return false;
    }
    var to = turnOf(params);
    if (to.isEmpty()) {
      peer.answer(id, AcpCodec.cancelled());
      return true;
    }
    try {
      var permission = AcpCodec.decodePermission(params);
      to.get().asked(new Question(id.asText(), permission.tool(), answer -> answer(id, permission, answer)));
    } catch (HarnessFault fault) {
      log.warn("acp.permission_refused name={} cause={}", name(), fault.getMessage());
      peer.answer(id, AcpCodec.cancelled());
    }
    return true;
  }

  private boolean answer(JsonNode id, AcpPermission permission, Answer answer) {
    var choice = switch (answer) {
      case ALLOW -> permission.choose(true);
      case DENY -> permission.choose(false);
      case CANCEL -> Optional.<String>empty();
    };
    peer.answer(id, choice.map(AcpCodec::selected).orElseGet(AcpCodec::cancelled));
    return answer == Answer.ALLOW && choice.isPresent();
  }
}
