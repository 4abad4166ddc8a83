package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.ProcessIdentity;
import dev.portcullis.journal.EventCodec;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.FunctionResult;
import dev.portcullis.protocol.FunctionTool;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.OpenStep;
import dev.portcullis.protocol.Toolbox;
import dev.portcullis.protocol.Usage;
import dev.portcullis.run.RunTable.Fact;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What is on disk for ever. The files in {@code journals/} were written by the version that released the shape: a new
 * shape gets a new file, an old file is never written again.
 */
class SessionEventTest {
  private static final EventCodec CODEC = new EventCodec(SessionEvent.TYPES);
  private static final Instant AT = Instant.parse("2026-11-20T10:00:00.123456789Z");

  /** File name without ending to what is in it. The manifest is the name up to the dot, if there is one. */
  static Map<String, Object> released() {
    var files = new TreeMap<String, Object>();
    for (var fact : Fact.values()) {
      if (fact != Fact.GIVEN_UP) {
        var event = Facts.of(fact, "run_1");
        files.put(CODEC.manifestOf(event), event);
      }
    }
    files.put("approval-requested.kindless", new SessionEvent.ApprovalRequested(
        "run_1", 1, "a-1", "", "rm", "rm x", "d", Facts.AT, "", "", Facts.AT.plusSeconds(3_600)));
    files.put("approval-requested", new SessionEvent.ApprovalRequested(
        "run_1", 1, "a-1", "execute", "rm", "rm x", "d", Facts.AT, "", "", Facts.AT.plusSeconds(3_600)));
    files.put("approval-requested.directed", Facts.of(Fact.APPROVAL_REQUESTED, "run_1"));
    files.put("approval-decided.reasoned", Facts.of(Fact.APPROVAL_DECIDED, "run_1"));
    files.put("approval-decided", new SessionEvent.ApprovalDecided(
        "run_1", 1, "a-1", true, "me", Facts.AT, "", false));
    files.put("attempt-started.cause", new SessionEvent.AttemptStarted("run_1", 2, 1, 9, "spare", AT, "failover"));
    files.put("run-interrupted.uncertain", new SessionEvent.RunInterrupted(
        "run_1", 1, "crash", false, AT, List.of(new OpenStep("s-1", "deploy", "execute", "digest")), ""));
    files.put("run-interrupted.failover", new SessionEvent.RunInterrupted(
        "run_1", 1, "failover", true, AT, List.of(), "overloaded"));
    files.put("text-replaced", new SessionEvent.TextReplaced("run_1", 1, "all of it", AT));
    files.put("turn-accepted", Facts.accepted("run_1", "hello"));
    files.put("turn-accepted.full", new SessionEvent.TurnAccepted(
        "run_2", "agent:main:api:x", "main", "me", "grüße \ud83d\ude00", List.of(new Message("user", "before")),
        List.of(new SessionEvent.BoundKey("aa", "bb", AT.plusSeconds(1))), AT.plusSeconds(2), AT));
    files.put("turn-accepted.noted", new SessionEvent.TurnAccepted(
        "run_3", "agent:main:api:y", "main", "me", "hello", List.of(),
        List.of(new SessionEvent.BoundKey("aa/run_3", "0", AT.plusSeconds(1))), AT.plusSeconds(2), AT, Input.NONE,
        "{}"));
    files.put("call-repeated", new SessionEvent.CallRepeated(
        "run_3", new SessionEvent.BoundKey("aa/run_3", "1", AT.plusSeconds(1)), AT));
    files.put("turn-accepted.input", new SessionEvent.TurnAccepted(
        "run_3", "agent:main:api:x", "main", "me", "", List.of(
            Message.user("look", List.of(new Image("image/gif", 6, "R0lGODlh"))),
            Message.assistant("", List.of(new FunctionCall("call_1", "weather", "{}")))),
        List.of(), AT.plusSeconds(2), AT,
        new Input(List.of(new Image("image/png", 8, "iVBORw0KGgo=")),
            new Toolbox(List.of(new FunctionTool("weather", "now", "{\"type\":\"object\"}", true)),
                Toolbox.Choice.NAMED, "weather", true),
            List.of(new FunctionResult("call_1", "rain"))), ""));
    files.put("run-completed.calls", new SessionEvent.RunCompleted("run_1", 1, "tool_calls", new Usage(3, 4), AT,
        List.of(new FunctionCall("call_1", "weather", "{\"city\":\"Oslo\"}"))));
    files.put("harness-attached.processes", new SessionEvent.HarnessAttached(
        "run_1", 2, "", List.of(new ProcessIdentity("boot-1", 4711, 99)), AT));
    files.put("run-failed.given-up", Facts.of(Fact.GIVEN_UP, "run_1"));
    files.put("session-reset", new SessionEvent.SessionReset("me", AT));
    files.put("session-erased", new SessionEvent.SessionErased("me", AT));
    return files;
  }

  static Stream<String> names() {
    return released().keySet().stream();
  }

  @ParameterizedTest
  @MethodSource("names")
  void whatAnOlderVersionWroteIsReadAsItWasMeant(String name) throws IOException {
    try (var file = SessionEventTest.class.getResourceAsStream("/journals/" + name + ".cbor")) {
      assertEquals(released().get(name), CODEC.decode(name.replaceFirst("\\..*", ""), file.readAllBytes()));
    }
  }

  @Test
  void anImageLongerThanParsersUsuallyTakeIsReadAgain() {
    var image = new Image("image/png", 16_000_000, "A".repeat(21_400_000));
    var turn = new SessionEvent.TurnAccepted("run_1", "agent:main:main", "main", "me", "look", List.of(), List.of(),
        AT, AT, Input.of(List.of(image)), "");
    assertTrue(turn.equals(CODEC.decode("turn-accepted", CODEC.encode(turn))));
  }

  @Test
  void everyManifestOfAnEventHasAFile() {
    var manifests = new java.util.TreeSet<>(SessionEvent.TYPES.table().keySet());
    manifests.remove("session-state"); // A snapshot is a cache: one that cannot be read is passed over.
    assertEquals(manifests, new java.util.TreeSet<>(names().map(name -> name.replaceFirst("\\..*", "")).toList()));
  }

  @Test
  void theTableOfManifestsOnlyGrows() {
    assertEquals(
        Map.ofEntries(
            Map.entry("turn-accepted", SessionEvent.TurnAccepted.class),
            Map.entry("attempt-started", SessionEvent.AttemptStarted.class),
            Map.entry("harness-attached", SessionEvent.HarnessAttached.class),
            Map.entry("text-appended", SessionEvent.TextAppended.class),
            Map.entry("text-replaced", SessionEvent.TextReplaced.class),
            Map.entry("step-started", SessionEvent.StepStarted.class),
            Map.entry("step-finished", SessionEvent.StepFinished.class),
            Map.entry("approval-requested", SessionEvent.ApprovalRequested.class),
            Map.entry("approval-decided", SessionEvent.ApprovalDecided.class),
            Map.entry("abort-requested", SessionEvent.AbortRequested.class),
            Map.entry("resume-pending", SessionEvent.ResumePending.class),
            Map.entry("run-interrupted", SessionEvent.RunInterrupted.class),
            Map.entry("run-parked", SessionEvent.RunParked.class),
            Map.entry("run-unparked", SessionEvent.RunUnparked.class),
            Map.entry("run-completed", SessionEvent.RunCompleted.class),
            Map.entry("run-failed", SessionEvent.RunFailed.class),
            Map.entry("run-aborted", SessionEvent.RunAborted.class),
            Map.entry("turn-steered", SessionEvent.TurnSteered.class),
            Map.entry("call-repeated", SessionEvent.CallRepeated.class),
            Map.entry("session-reset", SessionEvent.SessionReset.class),
            Map.entry("session-erased", SessionEvent.SessionErased.class),
            Map.entry("session-state", SessionState.class)),
        SessionEvent.TYPES.table());
  }

  @Test
  void aSnapshotKeepsTheOrderOfRuns() {
    var state = SessionState.empty();
    for (int i = 9; i > 0; i--) {
      state = state.apply(Facts.accepted("run_" + i, "hello"));
    }
    var read = (SessionState) CODEC.decode("session-state", CODEC.encode(state));
    assertEquals(state, read);
    assertEquals(List.copyOf(state.open().keySet()), List.copyOf(read.open().keySet()));
  }

  @Test
  void aKeyIsRememberedThroughAnErasureAndForgottenOnlyWhenItsTimeAndItsRunAreOver() {
    var key = new SessionEvent.BoundKey("digest", "body", AT.plusSeconds(60));
    var turn = new SessionEvent.TurnAccepted(
        "run_1", "agent:main:main", "main", "me", "hi", List.of(), List.of(key), AT.plusSeconds(9_000), AT);
    var bound = SessionState.empty().apply(turn);
    assertTrue(bound.bound("digest", AT.plusSeconds(61)).isPresent(), "its run is still open");
    var erased = bound
        .apply(new SessionEvent.RunAborted("run_1", "me", AT))
        .apply(new SessionEvent.SessionErased("me", AT));
    assertTrue(erased.bound("digest", AT.plusSeconds(59)).isPresent());
    assertFalse(erased.bound("digest", AT.plusSeconds(60)).isPresent());
  }
}
