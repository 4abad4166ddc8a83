package dev.portcullis.ingress.ws.methods;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Scope;
import dev.portcullis.ingress.ws.Broadcast;
import dev.portcullis.ingress.ws.Topic;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.Usage;
import dev.portcullis.session.SessionKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One run's events in the words of the protocol, each once. Text goes out as the piece that is new; the whole
 * answer so far goes with it only in {@code chat}, because the terminal client knows nothing else, and only
 * while it is short, so that what is sent does not grow with the square of the answer.
 */
final class RunTelling {
  /** Longest answer, in characters, that a piece is accompanied by. */
  static final int SNAPSHOT_CHARS = 32_768;
  private static final String TOOLS = "tool-events";
  private static final String ASSISTANT = "assistant";

  private final RunView run;
  private final String owner;
  private final String shown;
  private final long after;
  private final StringBuilder text = new StringBuilder();
  private final Map<String, String> tools = new HashMap<>();
  private int attempt;
  private boolean started;
  private long heard;
  private String half = "";

  /**
   * @param run as it stands when it is found
   * @param owner of its session
   * @param after number of the event after which clients hear of it; those before make up what they add to
   */
  RunTelling(RunView run, String owner, long after) {
    this.run = run;
    this.owner = owner;
    this.shown = RunNames.shown(run.id());
    this.after = after;
  }

  String sessionKey() {
    return run.sessionKey();
  }

  /** The message that the run is to answer. */
  Broadcast asked() {
    return message("user", run.message(), run.times().acceptedAt());
  }

  /** What {@code event} means to clients. They come in order, from the run's first one on. */
  List<Broadcast> tell(RunEvent event) {
    heard = event.seq();
    var told = told(event);
    return event.seq() > after ? told : List.of();
  }

  /** The end of a run whose session is no more. */
  List<Broadcast> erased(Instant at) {
    return tell(new RunEvent(run.id(), Math.max(heard, after) + 1, at, new RunEvent.Aborted("erased")));
  }

  private List<Broadcast> told(RunEvent event) {
    return switch (event.body()) {
      case RunEvent.Text(var of, var piece) -> piece(event, of, piece);
      case RunEvent.TextReplaced(var of, var whole) -> replaced(event, of, whole);
      case RunEvent.Started _, RunEvent.Resumed _ -> started(event);
      case RunEvent.StepStarted step -> {
        tools.put(step.stepId(), step.title());
        yield tool(event, step.stepId(), Json.object()
            .put("phase", "start").put("name", step.title()).put("toolCallId", step.stepId()));
      }
      case RunEvent.StepFinished(var id, var succeeded) -> tool(event, id, Json.object()
          .put("phase", "result").put("name", tools.getOrDefault(id, id)).put("toolCallId", id)
          .put("isError", !succeeded));
      case RunEvent.ApprovalRequested ask -> List.of(approval("plugin.approval.requested",
          ApprovalCodec.request(ask, run, event.at())));
      case RunEvent.ApprovalDecided done -> List.of(approval("plugin.approval.resolved",
          ApprovalCodec.resolved(done, event.at())));
      case RunEvent.Completed(var reason, var usage, var into, _) -> completed(event, reason, usage, into);
      case RunEvent.Failed(var error) -> failed(event, error);
      case RunEvent.Aborted(var by) -> aborted(event, by);
      case RunEvent.Accepted _, RunEvent.Interrupted _, RunEvent.Parked _ -> List.of(); // The row says it.
    };
  }

  private List<Broadcast> started(RunEvent event) {
    if (started) {
      return List.of(); // To its clients an attempt after a crash is the same run, going on.
    }
    started = true;
    return List.of(agent(event, "lifecycle", Json.object()
        .put("phase", "start").put("startedAt", event.at().toEpochMilli())));
  }

  private List<Broadcast> piece(RunEvent event, int of, String piece) {
    if (of < attempt) {
      return List.of(); // Superseded.
    }
    boolean replaces = of > attempt && text.length() > 0;
    if (of > attempt) {
      attempt = of;
      text.setLength(0);
      half = "";
    }
    return delta(event, piece, replaces);
  }

  private List<Broadcast> replaced(RunEvent event, int of, String whole) {
    if (of < attempt) {
      return List.of();
    }
    attempt = of;
    text.setLength(0);
    half = "";
    return delta(event, whole, true);
  }

  /** An emoji that is cut in two between pieces is told whole, with the second one. */
  private List<Broadcast> delta(RunEvent event, String piece, boolean replaces) {
    var joined = half + piece;
    boolean cut = !joined.isEmpty() && Character.isHighSurrogate(joined.charAt(joined.length() - 1));
    half = cut ? joined.substring(joined.length() - 1) : "";
    var more = cut ? joined.substring(0, joined.length() - 1) : joined;
    if (more.isEmpty() && !replaces) {
      return List.of();
    }
    text.append(more);
    var chat = chat(event, "delta").put("deltaText", more);
    if (replaces) {
      chat.put("replace", true);
    }
    if (text.length() <= SNAPSHOT_CHARS) {
      chat.set("message", MessageCodec.text(ASSISTANT, text.toString(), event.at()));
    }
    return List.of(
        droppable("agent", agentPayload(event, "assistant", Json.object().put("delta", more))),
        droppable("chat", chat));
  }

  private List<Broadcast> tool(RunEvent event, String id, ObjectNode data) {
    var payload = agentPayload(event, "tool", data);
    var session = run.sessionKey();
    return List.of(
        new Broadcast("agent", Broadcast.Audience.readersOf(session, owner).with(TOOLS), false, payload),
        new Broadcast("session.tool", messages(), false, payload));
  }

  private List<Broadcast> completed(RunEvent event, String stopReason, Usage usage, String into) {
    var told = answer(event);
    var end = Json.object().put("phase", "end").put("endedAt", event.at().toEpochMilli())
        .put("aborted", false).put("stopReason", stopReason);
    var chat = chat(event, "final").put("stopReason", into.isEmpty() ? word(stopReason) : RunView.STEERED);
    chat.set("usage", MessageCodec.usage(usage));
    return end(told, event, end, chat);
  }

  private List<Broadcast> aborted(RunEvent event, String by) {
    var end = Json.object().put("phase", "end").put("endedAt", event.at().toEpochMilli())
        .put("aborted", true).put("stopReason", "rpc");
    return end(answer(event), event, end, chat(event, "aborted").put("stopReason", "rpc").put("by", by));
  }

  private List<Broadcast> failed(RunEvent event, RunError error) {
    var words = error.message()
        + (error.reference().isEmpty() ? "" : " (reference " + error.reference() + ")");
    var end = Json.object().put("phase", "error").put("endedAt", event.at().toEpochMilli())
        .put("error", words);
    return end(answer(event), event, end, chat(event, "error")
        .put("errorMessage", words).put("errorKind", kind(error.code())).put("errorCode", error.code()));
  }

  /** The one terminal event of a run is the last thing that is told of it. */
  private List<Broadcast> end(List<Broadcast> told, RunEvent event, ObjectNode lifecycle, ObjectNode chat) {
    if (text.length() > 0) {
      chat.set("message", MessageCodec.stored(ASSISTANT, text.toString(), run.id(), event.at()));
    }
    told.add(agent(event, "lifecycle", lifecycle));
    told.add(new Broadcast("chat", Broadcast.Audience.readersOf(run.sessionKey(), owner), false, chat));
    return told;
  }

  /** What the transcript has of the answer; a run may end without one. */
  private List<Broadcast> answer(RunEvent event) {
    var told = new ArrayList<Broadcast>();
    if (text.length() > 0) {
      told.add(message(ASSISTANT, text.toString(), event.at()));
    }
    return told;
  }

  /** The protocol's words where it has one; a harness's own otherwise. */
  private static String word(String stopReason) {
    return stopReason.equals("end_turn") ? "stop" : stopReason;
  }

  private static String kind(String code) {
    return switch (code) {
      case "rate_limited" -> "rate_limit";
      case "context_length_exceeded" -> "context_length";
      case "content_refused" -> "refusal";
      case "harness_timeout", "deadline_exceeded", "idle_deadline_exceeded", "timeout" -> "timeout";
      default -> "unknown";
    };
  }

  private ObjectNode chat(RunEvent event, String state) {
    return Json.object()
        .put("runId", shown)
        .put("sessionKey", run.sessionKey())
        .put("agentId", run.agent())
        .put("seq", event.seq())
        .put("state", state);
  }

  private ObjectNode agentPayload(RunEvent event, String stream, ObjectNode data) {
    var payload = Json.object()
        .put("runId", shown)
        .put("seq", event.seq())
        .put("stream", stream)
        .put("ts", event.at().toEpochMilli())
        .put("sessionKey", run.sessionKey())
        .put("agentId", run.agent());
    payload.set("data", data);
    return payload;
  }

  private Broadcast agent(RunEvent event, String stream, ObjectNode data) {
    return new Broadcast("agent", Broadcast.Audience.readersOf(run.sessionKey(), owner), false,
        agentPayload(event, stream, data));
  }

  private Broadcast droppable(String event, ObjectNode payload) {
    return new Broadcast(event, Broadcast.Audience.readersOf(run.sessionKey(), owner), true, payload);
  }

  private Broadcast approval(String event, ObjectNode payload) {
    return new Broadcast(event,
        new Broadcast.Audience(
            Optional.of(Scope.APPROVALS), run.sessionKey(), owner, Optional.empty(), ""),
        false, payload);
  }

  private Broadcast message(String role, String words, Instant at) {
    var payload = Json.object()
        .put("sessionKey", run.sessionKey())
        .put("agentId", run.agent())
        .put("runId", shown)
        .put("messageId", MessageCodec.id(role, run.id()));
    payload.set("message", MessageCodec.stored(role, words, run.id(), at));
    return new Broadcast("session.message", messages(), false, payload);
  }

  private Broadcast.Audience messages() {
    return Broadcast.Audience.readersOf(run.sessionKey(), owner)
        .on(new Topic.Messages(new SessionKey(run.sessionKey())));
  }
}
