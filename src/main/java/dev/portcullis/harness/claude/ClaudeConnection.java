package dev.portcullis.harness.claude;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness.Recovery;
import dev.portcullis.harness.Harness.Registration;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.agent.AgentConnection;
import dev.portcullis.harness.agent.AgentProcess;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.ProcessListener;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Need;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One session of Claude Code. A process is started for one session and knows no other; a session that it does
 * not find is replaced by a new one in a new process, once, before anybody hears of it.
 */
final class ClaudeConnection implements AgentConnection {
  /** What is needed to start processes of one harness. */
  record Parts(HarnessConfig.ClaudeCode config, ProcessLauncher launcher, ClaudeVersion version,
      ScheduledExecutorService timer) {}

  private static final Pattern SESSION =
      Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
  private static final String HANDSHAKE = "initialize";
  /** Nobody sees its choices: a question in the answer reaches the user, who answers with the next turn. */
  private static final String QUESTIONS = "AskUserQuestion";
  private static final Logger log = LoggerFactory.getLogger(ClaudeConnection.class);

  private final Parts parts;
  private final Path directory;
  private final CompletableFuture<Registration> ready = new CompletableFuture<>();
  private final CompletableFuture<HarnessFault> ended = new CompletableFuture<>();
  private final AtomicReference<Optional<ClaudeTurn>> turn = new AtomicReference<>(Optional.empty());
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicLong interrupts = new AtomicLong();
  private volatile Peer peer;
  private volatile boolean prompted;
  private boolean stopping;

  /**
   * Starts the program and shakes hands; {@link #ready} tells how that went.
   *
   * @param wanted the session to go on with, empty for a new one
   */
  static ClaudeConnection open(Parts parts, Path directory, String wanted) {
    var connection = new ClaudeConnection(parts, directory, resumable(wanted));
    connection.begin();
    return connection;
  }

  private ClaudeConnection(Parts parts, Path directory, String resumed) {
    this.parts = parts;
    this.directory = directory;
    this.peer = resumed.isEmpty() ? fresh() : new Peer(resumed, true);
  }

  /** An id from the journal becomes an argument: what is no id of its kind is as good as none. */
  private static String resumable(String session) {
    return SESSION.matcher(session).matches() ? session : "";
  }

  private Peer fresh() {
    return new Peer(UUID.randomUUID().toString(), false);
  }

  private String name() {
    return parts.config().name();
  }

  private Duration limit() {
    return parts.config().program().startDeadline();
  }

  private void begin() {
    var alarm = parts.timer().schedule(() -> ready.completeExceptionally(HarnessFault.of(
        Code.TIMEOUT, "no answer to the handshake within " + limit().toMillis() + " ms")),
        limit().toMillis(), TimeUnit.MILLISECONDS);
    ready.whenComplete((_, _) -> alarm.cancel(false));
    parts.version().check(directory).whenComplete((version, failure) -> {
      if (failure == null) {
        start(peer, version);
      } else {
        peer.process.neverRan(HarnessFault.in(failure));
        lost(HarnessFault.in(failure));
      }
    });
  }

  private synchronized void start(Peer next, String version) {
    if (stopping) {
      var fault = HarnessFault.of(Code.LOST, "the process was stopped before it ran");
      next.process.neverRan(fault);
      lost(fault);
      return;
    }
    peer = next;
    next.start(version);
  }

  private void lost(HarnessFault fault) {
    ready.completeExceptionally(fault);
    ended.complete(fault);
    turn.get().ifPresent(running -> running.end.completeExceptionally(fault));
  }

  @Override
  public CompletionStage<Registration> ready() {
    return ready;
  }

  @Override
  public AgentProcess process() {
    return peer.process;
  }

  @Override
  public CompletionStage<HarnessFault> ended() {
    return ended;
  }

  @Override
  public synchronized CompletionStage<Void> stop(Duration grace) {
    stopping = true;
    return peer.process.stop(grace);
  }

  // ---- the session

  /** Whether its session has a past. */
  private boolean used() {
    return peer.resumed || prompted;
  }

  @Override
  public boolean serves(String wanted) {
    return resumable(wanted).equals(used() ? peer.session : "");
  }

  @Override
  public CompletionStage<Opened> open(String wanted) {
    return used() && !wanted.equals(peer.session)
        ? CompletableFuture.failedStage(HarnessFault.of(Code.LOST, "the process holds another session"))
        : CompletableFuture.completedStage(new Opened(peer.session, !used()));
  }

  // ---- the turn

  @Override
  public CompletionStage<List<HarnessUpdate>> prompt(String text, List<Image> images, Turn listener) {
    prompted = true;
    var running = new ClaudeTurn(listener);
    turn.set(Optional.of(running));
    if (ended.isDone()) { // Looked at after the turn is set: whoever loses the process sees it, or we do.
      running.end.completeExceptionally(ended.join());
    } else {
      peer.process.send(ClaudeCodec.user(text, images));
    }
    return running.end;
  }

  @Override
  public void turnOver() {
    turn.set(Optional.empty());
  }

  @Override
  public void cancel() {
    peer.process.send(ClaudeCodec.interrupt("interrupt-" + interrupts.incrementAndGet()));
  }

  /** One process. Its fields belong to the thread that reads from it. */
  private final class Peer implements ProcessListener {
    final AgentProcess process = new AgentProcess();
    final String session;
    final boolean resumed;
    private String version = "";
    private boolean replaced;
    private boolean ignoredBefore;
    private long costMicros;

    Peer(String session, boolean resumed) {
      this.session = session;
      this.resumed = resumed;
    }

    void start(String known) {
      version = known;
      process.start(parts.launcher(), parts.config().program().withArgs(arguments()), directory, this)
          .whenComplete((_, failure) -> {
        if (failure == null) {
          process.send(ClaudeCodec.initialize(HANDSHAKE, parts.config().systemPrompt()));
        } else {
          lost(HarnessFault.in(failure));
        }
      });
    }

    /** The operator's come first, so that none of them can take one of ours for its value. */
    private List<String> arguments() {
      var config = parts.config();
      var args = new ArrayList<>(config.program().args());
      args.addAll(List.of(
          "-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose",
          "--include-partial-messages", "--permission-prompt-tool", "stdio",
          "--setting-sources", String.join(",", config.settingSources()),
          resumed ? "--resume" : "--session-id", session));
      if (!config.model().isEmpty()) {
        args.addAll(List.of("--model", config.model()));
      }
      if (!config.permissionMode().isEmpty()) {
        args.addAll(List.of("--permission-mode", config.permissionMode()));
      }
      return args;
    }

    @Override
    public void line(String line) {
      try {
        var json = ClaudeCodec.parse(line);
        ClaudeCodec.decode(json).forEach(message -> take(json, message));
      } catch (HarnessFault fault) {
        ignore(fault);
      }
      turn.get().ifPresent(running -> running.listener().awaitRoom());
    }

    /** Only the field is logged: the line may hold what a user said. */
    private void ignore(HarnessFault fault) {
      if (ignoredBefore) {
        log.debug("claude.line_ignored name={} cause=\"{}\"", name(), fault.getMessage());
      } else {
        ignoredBefore = true;
        log.warn("claude.line_ignored name={} cause=\"{}\" consequence=\"further ones are logged at DEBUG\"",
            name(), fault.getMessage());
      }
    }

    private void take(JsonNode line, ClaudeMessage message) {
      var to = ClaudeCodec.session(line);
      if (message instanceof ClaudeMessage.TurnBegun(var other) && !other.equals(session)) {
        lost(HarnessFault.of(Code.MALFORMED, "Claude Code went on in another session than it was asked to"));
      } else if (!to.isEmpty() && !to.equals(session)) {
        dropped.incrementAndGet();
      } else {
        take(message);
      }
    }

    private void take(ClaudeMessage message) {
      var running = turn.get().filter(ClaudeTurn::begun); // What comes before is of the turn before.
      switch (message) {
        case ClaudeMessage.TurnBegun _ -> turn.get().ifPresent(ClaudeTurn::begin);
        case ClaudeMessage.AnswerBegun _ -> running.ifPresent(ClaudeTurn::answerBegun);
        case ClaudeMessage.Piece(var text) -> running.ifPresent(to -> to.piece(text));
        case ClaudeMessage.Said(var text) -> running.ifPresent(to -> to.said(text));
        case ClaudeMessage.Tool(var call) -> running.ifPresent(to -> to.tool(call));
        case ClaudeMessage.Asked asked -> asked(running, asked);
        case ClaudeMessage.Withdrawn(var id) -> running.ifPresent(to -> to.listener().withdrawn(id));
        case ClaudeMessage.Foreign(var id, var subtype) ->
            process.send(ClaudeCodec.refuse(id, "not supported: " + subtype));
        case ClaudeMessage.Reply reply -> answered(reply);
        case ClaudeMessage.Retried again -> log.info(
            "claude.model_retry name={} attempt={} max={} status={} error={}",
            name(), again.attempt(), again.attemptsMax(), again.status(), again.error());
        case ClaudeMessage.ModelFailed(var error) -> running.ifPresent(to -> to.modelFailed(error));
        case ClaudeMessage.Result result -> over(running, result);
        case ClaudeMessage.Other(var kind) -> running.ifPresent(to -> to.listener().unknown(kind));
      }
    }

    private void answered(ClaudeMessage.Reply reply) {
      if (!reply.requestId().equals(HANDSHAKE)) {
        return; // To an interrupt; the end of the turn says the rest.
      }
      if (!reply.error().isEmpty()) {
        ready.completeExceptionally(
            HarnessFault.of(Code.REFUSED, "Claude Code refused the handshake: " + reply.error()));
      } else if (!reply.login()) {
        ready.completeExceptionally(HarnessFault.of(Code.NOT_CONFIGURED, "Claude Code has no credentials: set"
            + " ANTHROPIC_API_KEY in `env`, or log in as the user that runs the gateway"));
      } else {
        ready.complete(new Registration(version, Recovery.NATIVE, false, Set.of(Need.IMAGES)));
      }
    }

    private void asked(Optional<ClaudeTurn> running, ClaudeMessage.Asked asked) {
      var id = asked.requestId();
      if (asked.tool().equals(QUESTIONS)) {
        process.send(ClaudeCodec.deny(id, "Nobody can be asked this way. Ask in your answer and end your"
            + " turn: the user reads it and replies with the next message.", false));
      } else if (running.isEmpty()) {
        process.send(ClaudeCodec.deny(id, "No turn is running in which this could be allowed.", true));
      } else {
        running.get().listener().asked(new Question(id, asked.call(), answer -> {
          process.send(switch (answer) {
            case ALLOW -> ClaudeCodec.allow(id, asked.call().input());
            case DENY -> ClaudeCodec.deny(id, "This was not allowed.", false);
            case CANCEL -> ClaudeCodec.deny(id, "The turn is being ended.", true);
          });
          return answer == Answer.ALLOW;
        }));
      }
    }

    private void over(Optional<ClaudeTurn> running, ClaudeMessage.Result result) {
      if (!ready.isDone()) {
        if (resumed && !replaced) { // Before any turn only a session that it does not find has a result.
          replace();
        }
      } else if (running.isEmpty() || result.unasked()) {
        dropped.incrementAndGet(); // What it cost counts for the next turn.
      } else {
        var cost = Math.max(0, result.costMicros() - costMicros);
        costMicros = result.costMicros();
        running.get().over(result, cost);
      }
    }

    private void replace() {
      replaced = true;
      log.info("claude.session_unknown name={} consequence=\"a new one is told the conversation\"", name());
      process.stop(Duration.ZERO).thenRun(() -> ClaudeConnection.this.start(fresh(), version));
    }

    @Override
    public void ended(HarnessFault fault) {
      process.over(fault);
      if (!replaced) {
        if (dropped.get() > 0) {
          log.info("claude.messages_dropped name={} count={}", name(), dropped.get());
        }
        lost(fault);
      }
    }
  }
}
