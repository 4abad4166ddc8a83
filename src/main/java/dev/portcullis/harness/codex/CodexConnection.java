package dev.portcullis.harness.codex;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness.Recovery;
import dev.portcullis.harness.Harness.Registration;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.agent.AgentConnection;
import dev.portcullis.harness.agent.AgentProcess;
import dev.portcullis.harness.jsonrpc.JsonRpcPeer;
import dev.portcullis.harness.jsonrpc.Reply;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.ProcessListener;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Need;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One {@code codex app-server}. It keeps its threads on disk, and can go on with any of them. */
final class CodexConnection implements AgentConnection, ProcessListener, JsonRpcPeer.Handler {
  /** What is needed to start Codex for one harness. */
  record Parts(HarnessConfig.Codex config, ProcessLauncher launcher, ScheduledExecutorService timer) {
    Duration limit() {
      return config.program().startDeadline();
    }
  }

  /** What a process gets to go by itself when a turn has left something at work in it. */
  private static final Duration LEAVE = Duration.ofSeconds(1);
  private static final Logger log = LoggerFactory.getLogger(CodexConnection.class);

  private final Parts parts;
  private final Path directory;
  private final AgentProcess process = new AgentProcess();
  private final JsonRpcPeer peer;
  private final CompletableFuture<Registration> ready = new CompletableFuture<>();
  private final AtomicReference<Optional<CodexTurn>> turn = new AtomicReference<>(Optional.empty());
  private final AtomicReference<String> thread = new AtomicReference<>("");
  private final AtomicLong malformed = new AtomicLong();

  /** Starts the program and shakes hands; {@link #ready} tells how that went. */
  static CodexConnection open(Parts parts, Path directory) {
    var connection = new CodexConnection(parts, directory);
    connection.begin();
    return connection;
  }

  private CodexConnection(Parts parts, Path directory) {
    this.parts = parts;
    this.directory = directory;
    this.peer = new JsonRpcPeer(name(), false, process::send, this, parts.timer());
  }

  private String name() {
    return parts.config().name();
  }

  private void begin() {
    process.start(parts.launcher(), server(parts.config().program()), directory, this)
        .thenCompose(_ -> peer.request("initialize", CodexCodec.initialize(), parts.limit()))
        .thenApply(reply -> switch (reply) {
          case Reply.Result(var result) -> CodexCodec.decodeVersion(result);
          case Reply.Error error -> throw CodexErrors.ofHandshake(error);
        })
        .thenCompose(this::checkAccount)
        .whenComplete((version, failure) -> {
          if (failure == null) {
            ready.complete(new Registration(version, Recovery.NATIVE, true, Set.of(Need.IMAGES)));
          } else {
            ready.completeExceptionally(HarnessFault.in(failure));
          }
        });
  }

  private static HarnessConfig.Program server(HarnessConfig.Program codex) {
    return codex.withArgs(Stream.concat(codex.args().stream(), Stream.of("app-server")).toList());
  }

  private CompletionStage<String> checkAccount(String version) {
    peer.notify("initialized", JsonNodeFactory.instance.objectNode());
    return peer.request("account/read", CodexCodec.readAccount(), parts.limit()).thenApply(reply -> {
      switch (reply) {
        case Reply.Result(var result) -> CodexCodec.checkAccount(result);
        case Reply.Error(var code, _, _) -> // Then the first turn will tell.
            log.info("codex.account_unknown name={} code={}", name(), code);
      }
      return version;
    });
  }

  @Override
  public CompletionStage<Registration> ready() {
    return ready;
  }

  @Override
  public AgentProcess process() {
    return process;
  }

  // ---- threads

  @Override
  public CompletionStage<Opened> open(String wanted) {
    if (!wanted.isEmpty() && wanted.equals(thread.get())) {
      return CompletableFuture.completedStage(new Opened(wanted, false));
    }
    if (wanted.isEmpty()) {
      return startThread();
    }
    var params = CodexCodec.resumeThread(wanted, parts.config(), directory, names());
    return peer.request("thread/resume", params, parts.limit()).thenCompose(reply -> switch (reply) {
      case Reply.Result(var result) when CodexCodec.decodeThread(result).equals(wanted) ->
          CompletableFuture.completedStage(opened(wanted, false));
      case Reply.Result _ -> startThread(); // Some other thread; ours is gone.
      case Reply.Error(var code, _, _) -> {
        log.info("codex.thread_not_resumed name={} code={} consequence=\"a new one gets the transcript\"",
            name(), code);
        yield startThread();
      }
    });
  }

  private CompletionStage<Opened> startThread() {
    var params = CodexCodec.startThread(parts.config(), directory, names());
    return peer.request("thread/start", params, parts.limit())
        .thenApply(reply -> switch (reply) {
          case Reply.Result(var result) -> opened(CodexCodec.decodeThread(result), true);
          case Reply.Error error -> throw CodexErrors.ofReply("thread/start", error);
        });
  }

  private Opened opened(String id, boolean fresh) {
    thread.set(id);
    return new Opened(id, fresh);
  }

  /** What Codex may call the workspace. */
  private Set<Path> names() {
    var names = new TreeSet<>(Set.of(directory));
    try {
      names.add(directory.toRealPath());
    } catch (IOException gone) {
      log.debug("codex.workspace_unreadable name={} cause={}", name(), gone.getMessage());
    }
    return names;
  }

  // ---- the turn

  @Override
  public CompletionStage<List<HarnessUpdate>> prompt(String text, List<Image> images, Turn listener) {
    var begun = new CodexTurn(thread.get(), listener);
    turn.set(Optional.of(begun));
    peer.request("turn/start", CodexCodec.startTurn(thread.get(), text, images)).thenAccept(reply -> {
      switch (reply) {
        case Reply.Result(var result) -> begun.id.complete(CodexCodec.decodeTurn(result));
        case Reply.Error error -> begun.end.complete(
            List.of(new HarnessUpdate.Failed(CodexErrors.ofReply("turn/start", error))));
      }
    }).exceptionally(failure -> {
      begun.lost(HarnessFault.in(failure));
      return null;
    });
    return begun.end;
  }

  @Override
  public void turnOver() {
    turn.set(Optional.empty());
  }

  @Override
  public void cancel() {
    turn.get().ifPresent(running -> running.id.thenAccept(id ->
        peer.request("turn/interrupt", CodexCodec.interruptTurn(thread.get(), id))));
  }

  /** The model is called anew with the message; what it was saying is given up. */
  @Override
  public CompletionStage<Boolean> steer(String text) {
    return turn.get()
        .map(running -> running.id
            .thenCompose(id -> peer.request("turn/steer", CodexCodec.steerTurn(thread.get(), id, text)))
            .handle((reply, failure) -> failure == null && reply instanceof Reply.Result))
        .orElseGet(() -> CompletableFuture.completedFuture(false));
  }

  /**
   * Commands outlive their turn in Codex, be it interrupted or completed, and what it offers for ending them
   * misses those that left their process group. Nobody would watch them, so they end with the process; the
   * thread goes on in the next one.
   */
  private void over(CodexTurn ended, List<HarnessUpdate> last) {
    if (!ended.leavesWork()) {
      ended.end.complete(last);
      return;
    }
    log.info("codex.process_ended name={} cause=\"the turn left commands at work\"", name());
    turn.set(Optional.empty()); // Or its end would be told as a loss.
    process.stop(LEAVE).whenComplete((_, _) -> ended.end.complete(last));
  }

  // ---- from the process

  @Override
  public void line(String line) {
    peer.receive(line);
    turn.get().ifPresent(running -> running.listener.awaitRoom());
  }

  @Override
  public void ended(HarnessFault fault) {
    peer.close(fault);
    turn.get().ifPresent(running -> running.lost(fault));
    process.over(fault);
  }

  @Override
  public void notified(String method, JsonNode params) {
    turn.get().ifPresent(running -> {
      try {
        var news = CodexCodec.decode(method, params);
        if (running.hear(news) && news.event() instanceof CodexEvent.TurnOver(var last)) {
          over(running, last);
        }
      } catch (HarnessFault fault) {
        ignored(method, fault);
      }
    });
  }

  private void ignored(String method, HarnessFault fault) {
    if (malformed.getAndIncrement() == 0) {
      log.warn("codex.update_ignored name={} method={} cause=\"{}\" "
          + "consequence=\"further ones are logged at DEBUG\"", name(), method, fault.getMessage());
    } else {
      log.debug("codex.update_ignored name={} method={} cause=\"{}\"", name(), method, fault.getMessage());
    }
  }

  @Override
  public boolean asked(JsonNode id, String method, JsonNode params) {
    if (!CodexCodec.asks(method, params)) {
      return false;
    }
    try {
      turn.get().ifPresentOrElse(running -> ask(running, id, method, params),
          () -> peer.answer(id, CodexCodec.cancelled(method)));
    } catch (HarnessFault fault) {
      log.warn("codex.question_refused name={} method={} cause={}", name(), method, fault.getMessage());
      peer.answer(id, CodexCodec.declined(method));
    }
    return true;
  }

  private void ask(CodexTurn running, JsonNode id, String method, JsonNode params) {
    var question = CodexCodec.decodeQuestion(method, params, running.announced());
    running.listener.asked(new Question(id.asText(), question.tool(), answer -> {
      if (answer == Answer.ALLOW && question.own()) {
        running.granting(id.asText(), question.tool().callId());
      }
      peer.answer(id, switch (answer) {
        case ALLOW -> question.allow();
        case DENY -> CodexCodec.declined(method);
        case CANCEL -> CodexCodec.cancelled(method);
      });
      return answer == Answer.ALLOW;
    }));
  }
}
