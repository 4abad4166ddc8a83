package dev.portcullis.harness.acp;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness.Registration;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.agent.AgentConnection;
import dev.portcullis.harness.agent.AgentProcess;
import dev.portcullis.harness.agent.ToolCall;
import dev.portcullis.harness.jsonrpc.JsonRpcPeer;
import dev.portcullis.harness.jsonrpc.Reply;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.ProcessListener;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Need;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
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

  private record Running(Turn listener, AcpTerminals terminals) {}

  /**
   * Gemini tells a loaded session again after it said that it is loaded: it is over when it is silent for so
   * long.
   */
  private static final Duration SILENCE = Duration.ofMillis(300);
  private static final Set<ToolCall.Status> BEGINS =
      Set.of(ToolCall.Status.PENDING, ToolCall.Status.IN_PROGRESS);
  private static final Logger log = LoggerFactory.getLogger(AcpConnection.class);

  private final Parts parts;
  private final Path directory;
  private final AgentProcess process = new AgentProcess();
  private final JsonRpcPeer peer;
  private final CompletableFuture<AcpAgent> agent = new CompletableFuture<>();
  private final AtomicReference<Optional<Running>> running = new AtomicReference<>(Optional.empty());
  /** Of the session, in millionths of a US dollar. */
  private final AtomicLong cost = new AtomicLong();
  /** Requests of the agent's that wait for a person. */
  private final Set<JsonNode> asking = ConcurrentHashMap.newKeySet();
  /** The message that is being said. Belongs to the thread that reads from the agent. */
  private final StringBuilder said = new StringBuilder();
  private final AtomicReference<String> session = new AtomicReference<>("");
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicLong malformed = new AtomicLong();
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
        .thenCompose(_ -> peer.request("initialize",
            AcpCodec.initialize(parts.config().serveFiles(), parts.config().serveTerminals()), parts.limit()))
        .thenApply(reply -> switch (reply) {
          case Reply.Result(var result) -> AcpCodec.decodeAgent(result);
          case Reply.Error error -> throw AcpCodec.decodeHandshakeError(error);
        })
        .thenCompose(this::signIn)
        .whenComplete((known, failure) -> {
          if (failure == null) {
            agent.complete(known);
          } else {
            agent.completeExceptionally(HarnessFault.in(failure));
          }
        });
  }

  private CompletionStage<AcpAgent> signIn(AcpAgent known) {
    var methodId = parts.config().authMethod();
    return methodId.isEmpty()
        ? CompletableFuture.completedStage(known)
        : peer.request("authenticate", AcpCodec.authenticate(methodId), parts.limit())
            .thenApply(reply -> switch (reply) {
              case Reply.Result _ -> known;
              case Reply.Error error -> throw AcpErrors.notSignedIn(methodId, error, known);
            });
  }

  @Override
  public CompletionStage<Registration> ready() {
    return agent.thenApply(known -> new Registration(
        known.version(), known.recovery(), false, known.images() ? Set.of(Need.IMAGES) : Set.of()));
  }

  @Override
  public AgentProcess process() {
    return process;
  }

  @Override
  public CompletionStage<Void> stop(Duration grace) {
    var terminals = running.get()
        .map(turn -> turn.terminals().close())
        .orElseGet(() -> CompletableFuture.completedStage(null));
    return process.stop(grace).thenCombine(terminals, (_, _) -> null);
  }

  // ---- sessions

  @Override
  public CompletionStage<Opened> open(String wanted) {
    if (!wanted.isEmpty() && wanted.equals(session.get())) {
      return CompletableFuture.completedStage(used(wanted, false));
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
                  .thenCompose(_ -> opened(wanted, false, result));
          case Reply.Result _ -> newSession(); // Some other session; ours is gone.
          case Reply.Error(var code, _, _) -> {
            log.info("acp.session_not_reopened name={} method={} code={}", name(), method, code);
            yield newSession();
          }
        });
  }

  private CompletionStage<Opened> newSession() {
    return peer.request("session/new", AcpCodec.newSession(directory), parts.limit())
        .thenCompose(reply -> switch (reply) {
          case Reply.Result(var result) -> opened(AcpCodec.decodeSessionId(result), true, result);
          case Reply.Error error -> throw AcpErrors.of("session/new", error, agent.join());
        });
  }

  /** A session keeps neither model nor mode over the death of its process, so both are set each time. */
  private CompletionStage<Opened> opened(String sessionId, boolean fresh, JsonNode result) {
    return choose(AcpChoice.model(parts.config().model(), sessionId, result))
        .thenCompose(_ -> choose(AcpChoice.mode(parts.config().mode(), sessionId, result)))
        .thenApply(_ -> {
          session.set(sessionId);
          cost.set(0);
          return used(sessionId, fresh);
        });
  }

  private CompletionStage<Void> choose(Optional<AcpChoice> choice) {
    return choice.isEmpty()
        ? CompletableFuture.completedStage(null)
        : peer.request(choice.get().method(), choice.get().params(), parts.limit())
            .thenApply(reply -> switch (reply) {
              case Reply.Result _ -> null;
              case Reply.Error error -> throw choice.get().refused(error);
            });
  }

  private Opened used(String sessionId, boolean fresh) {
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
  public CompletionStage<List<HarnessUpdate>> prompt(String text, List<Image> images, Turn listener) {
    var terminals = new AcpTerminals(name(), parts.launcher(), directory);
    var before = cost.get();
    said.setLength(0);
    running.set(Optional.of(new Running(listener, terminals)));
    return peer.request("session/prompt", AcpCodec.prompt(session.get(), text, images))
        .thenApply(reply -> switch (reply) {
          case Reply.Result(var result) -> decodeEnd(result, Math.max(0, cost.get() - before));
          case Reply.Error error -> List.<HarnessUpdate>of(
              new HarnessUpdate.Failed(AcpErrors.of("session/prompt", error, agent.join())));
        })
        // Also when the agent died: its commands are our children, and would outlive it.
        .handle((last, failure) -> terminals.close().<List<HarnessUpdate>>thenApply(_ -> {
          if (failure != null) {
            throw HarnessFault.in(failure);
          }
          return last;
        }))
        .thenCompose(end -> end);
  }

  private static List<HarnessUpdate> decodeEnd(JsonNode result, long costMicros) {
    try {
      return AcpCodec.decodeEnd(result, costMicros);
    } catch (HarnessFault fault) { // The turn is over all the same, and the process is as good as before.
      return List.of(new HarnessUpdate.Failed(fault));
    }
  }

  @Override
  public void turnOver() {
    running.set(Optional.empty());
  }

  /** An agent may wait for a command of ours before it ends the turn. */
  @Override
  public void cancel() {
    running.get().ifPresent(turn -> turn.terminals().close());
    peer.notify("session/cancel", AcpCodec.session(session.get()));
  }

  // ---- from the process

  @Override
  public void line(String line) {
    peer.receive(line);
    running.get().ifPresent(turn -> turn.listener().awaitRoom());
  }

  @Override
  public void ended(HarnessFault fault) {
    if (dropped.get() > 0) {
      log.info("acp.updates_dropped name={} count={}", name(), dropped.get());
    }
    peer.close(fault);
    process.over(fault);
  }

  private Optional<Running> turnOf(JsonNode params) {
    return running.get().filter(_ -> params.path("sessionId").asText("").equals(session.get()));
  }

  @Override
  public void notified(String method, JsonNode params) {
    switch (method) {
      case "session/update" -> updated(params);
      case "$/cancel_request" -> withdrawn(params.path("requestId"));
      default -> { } // Private extensions, before all.
    }
  }

  private void updated(JsonNode params) {
    lastUpdate.set(System.nanoTime());
    try {
      var update = AcpCodec.decodeUpdate(params);
      if (update instanceof AcpUpdate.Cost(var micros)) {
        cost.set(micros); // May come after the turn, and is of the session anyway.
        return;
      }
      turnOf(params).ifPresentOrElse(turn -> tell(turn.listener(), update), dropped::incrementAndGet);
    } catch (HarnessFault fault) {
      if (malformed.getAndIncrement() == 0) {
        log.warn("acp.update_ignored name={} cause=\"{}\" consequence=\"further ones are logged at DEBUG\"",
            name(), fault.getMessage());
      } else {
        log.debug("acp.update_ignored name={} cause=\"{}\"", name(), fault.getMessage());
      }
    }
  }

  private void tell(Turn to, AcpUpdate update) {
    switch (update) {
      case AcpUpdate.Text(var text) -> {
        said.append(text);
        to.text(text);
      }
      case AcpUpdate.Tool(var call) -> {
        if (BEGINS.contains(call.status())) {
          endMessage(to);
        }
        to.tool(call);
      }
      case AcpUpdate.Other(var kind) -> to.unknown(kind);
      case AcpUpdate.Aside _, AcpUpdate.Cost _ -> { }
    }
  }

  /** The protocol does not say where a message ends; one that calls a tool is over. */
  private void endMessage(Turn to) {
    if (!said.isEmpty()) {
      to.said(said.toString());
      said.setLength(0);
    }
  }

  @Override
  public boolean asked(JsonNode id, String method, JsonNode params) {
    var turn = turnOf(params);
    if (method.equals("session/request_permission")) {
      turn.ifPresentOrElse(to -> permission(id, params, to.listener()),
          () -> peer.answer(id, AcpCodec.cancelled()));
      return true;
    }
    var files = parts.config().serveFiles() && method.startsWith("fs/");
    var terminals = parts.config().serveTerminals() && method.startsWith("terminal/");
    if (!files && !terminals) {
      return false;
    }
    if (turn.isEmpty()) {
      reply(id, AcpWorkspace.refusal(AcpWorkspace.INVALID_PARAMS, "no turn runs in this session"));
    } else if (terminals) {
      turn.get().terminals().serve(method.substring("terminal/".length()), params)
          .thenAccept(answer -> reply(id, answer));
    } else {
      switch (method) {
        case "fs/read_text_file" -> reply(id, new AcpWorkspace(directory).read(params));
        case "fs/write_text_file" -> reply(id, new AcpWorkspace(directory).write(params));
        default -> {
          return false;
        }
      }
    }
    return true;
  }

  private void reply(JsonNode id, Reply reply) {
    switch (reply) {
      case Reply.Result(var result) -> peer.answer(id, result);
      case Reply.Error(var code, var message, _) -> peer.refuse(id, code, message);
    }
  }

  private void permission(JsonNode id, JsonNode params, Turn to) {
    try {
      var permission = AcpCodec.decodePermission(params);
      endMessage(to);
      asking.add(id);
      to.asked(new Question(id.asText(), permission.tool(), answer -> answer(id, permission, answer)));
    } catch (HarnessFault fault) {
      log.warn("acp.permission_refused name={} cause={}", name(), fault.getMessage());
      peer.answer(id, AcpCodec.cancelled());
    }
  }

  /** False: it was answered or withdrawn before, and a second answer would be to nothing. */
  private boolean answer(JsonNode id, AcpPermission permission, Answer answer) {
    var choice = switch (answer) {
      case ALLOW -> permission.choose(true);
      case DENY -> permission.choose(false);
      case CANCEL -> Optional.<String>empty();
    };
    if (!asking.remove(id)) {
      return false;
    }
    peer.answer(id, choice.map(AcpCodec::selected).orElseGet(AcpCodec::cancelled));
    return answer == Answer.ALLOW && choice.isPresent();
  }

  private void withdrawn(JsonNode id) {
    if (asking.remove(id)) {
      peer.answer(id, AcpCodec.cancelled());
      running.get().ifPresent(turn -> turn.listener().withdrawn(id.asText()));
    }
  }
}
