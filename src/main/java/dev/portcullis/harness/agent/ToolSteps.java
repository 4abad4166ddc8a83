package dev.portcullis.harness.agent;

import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.InputDigest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The tool calls of one turn as steps: each begins once and ends once, however the agent tells it. Agents
 * announce a call before they know its title, and ask for permission after they called it running; so a call
 * becomes a step a moment later, or when it runs by permission, or when it is over. Belongs to one attempt.
 */
public final class ToolSteps {
  /** What is known of a call that has not become a step, or is one. */
  private record Call(ToolCall tool, boolean begun, boolean asked) {}

  private final Map<String, Call> open = new LinkedHashMap<>();
  private final Set<String> ended = new HashSet<>();

  /** Takes news of a call. The steps that follow from it at once are returned. */
  public List<HarnessUpdate> apply(ToolCall news) {
    if (ended.contains(news.callId())) {
      return List.of(); // Late content of a call that is over begins nothing.
    }
    var old = open.get(news.callId());
    var call = old == null
        ? new Call(news, false, false)
        : new Call(old.tool().with(news), old.begun(), old.asked());
    open.put(news.callId(), call);
    return switch (call.tool().status()) {
      case COMPLETED -> finish(call, true);
      case FAILED -> finish(call, false);
      case UNCHANGED, PENDING, IN_PROGRESS -> List.of();
    };
  }

  /**
   * The agent asks whether it may: until that is answered the call has not begun. Returns all that is known
   * of it.
   */
  public ToolCall asked(ToolCall tool) {
    ended.remove(tool.callId());
    apply(tool);
    var call = open.get(tool.callId());
    open.put(tool.callId(), new Call(call.tool(), call.begun(), true));
    return call.tool();
  }

  /** The question is answered: an allowed call begins now. */
  public List<HarnessUpdate> decided(String callId, boolean allow) {
    var call = open.get(callId);
    if (!allow || call == null) {
      return List.of();
    }
    open.put(callId, new Call(call.tool(), call.begun(), false));
    return begin(callId);
  }

  /** Enough time has passed: what was announced and is not being asked about has begun. */
  public List<HarnessUpdate> beginAnnounced() {
    var updates = new ArrayList<HarnessUpdate>();
    List.copyOf(open.keySet()).forEach(callId -> updates.addAll(begin(callId)));
    return updates;
  }

  /** The turn is over: agents forget to end calls, above all refused ones. */
  public List<HarnessUpdate> close() {
    var updates = new ArrayList<HarnessUpdate>();
    open.values().stream().filter(Call::begun).forEach(call ->
        updates.add(new HarnessUpdate.StepFinished(call.tool().callId(), false)));
    open.clear();
    ended.clear();
    return updates;
  }

  public boolean anyAnnounced() {
    return open.values().stream().anyMatch(call -> !call.begun() && !call.asked());
  }

  /** Whether anything may be at work: all but what waits for permission. */
  public boolean anyRunning() {
    return open.values().stream().anyMatch(call -> !call.asked());
  }

  private List<HarnessUpdate> begin(String callId) {
    var call = open.get(callId);
    if (call.begun() || call.asked()) {
      return List.of();
    }
    open.put(callId, new Call(call.tool(), true, false));
    return List.of(started(call.tool()));
  }

  private List<HarnessUpdate> finish(Call call, boolean succeeded) {
    open.remove(call.tool().callId());
    ended.add(call.tool().callId());
    var finished = new HarnessUpdate.StepFinished(call.tool().callId(), succeeded);
    return call.begun() ? List.of(finished) : List.of(started(call.tool()), finished);
  }

  private static HarnessUpdate started(ToolCall tool) {
    return new HarnessUpdate.StepStarted(tool.callId(), tool.shownTitle(), tool.shownKind(),
        tool.input().isEmpty() ? "" : InputDigest.of(tool.input()));
  }
}
