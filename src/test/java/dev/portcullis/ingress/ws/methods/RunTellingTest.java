package dev.portcullis.ingress.ws.methods;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.ws.Broadcast;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.Usage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RunTellingTest {
  private static final Instant AT = Instant.parse("2026-01-02T03:04:05Z");
  private static final String ID = "run_0123456789abcdef.mine";

  private static List<Broadcast> told(RunEvent.Body... bodies) {
    var telling = new RunTelling(new RunView(
        ID, "agent:main:main", "main", "echo", RunStatus.QUEUED, 0, "hi", "", List.of(),
        new RunView.Outcome.Open(), "", Usage.NONE, 1, new RunView.Times(AT, List.of(), List.of()), List.of(),
        Map.of()), "me", 0);
    var all = new ArrayList<Broadcast>();
    for (int i = 0; i < bodies.length; i++) {
      all.addAll(telling.tell(new RunEvent(ID, i + 2, AT.plusSeconds(i), bodies[i])));
    }
    return all;
  }

  private static List<JsonNode> chats(List<Broadcast> told) {
    return told.stream().filter(each -> each.event().equals("chat")).map(Broadcast::payload).toList();
  }

  private static String texts(List<Broadcast> told) {
    var shown = new StringBuilder();
    for (var chat : chats(told)) {
      if (chat.path("state").asText().equals("delta")) {
        if (chat.path("replace").asBoolean()) {
          shown.setLength(0);
        }
        shown.append(chat.path("deltaText").asText());
      }
    }
    return shown.toString();
  }

  @Test void aPieceOfTextIsToldAsThePieceAndNotAsAllThatCameBefore() {
    var told = told(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "one "), new RunEvent.Text(1, "two"));

    var pieces = told.stream().filter(each -> each.event().equals("agent"))
        .map(each -> each.payload().path("data"))
        .filter(data -> data.has("delta"))
        .toList();
    assertEquals(List.of("{\"delta\":\"one \"}", "{\"delta\":\"two\"}"),
        pieces.stream().map(JsonNode::toString).toList());
    assertEquals(List.of("one ", "two"),
        chats(told).stream().map(chat -> chat.path("deltaText").asText()).toList());
    assertEquals("one two",
        chats(told).getLast().path("message").path("content").path(0).path("text").asText());
  }

  @Test void aLongAnswerIsNotRepeatedWithEachOfItsPieces() {
    var told = told(
        new RunEvent.Text(1, "x".repeat(RunTelling.SNAPSHOT_CHARS)), new RunEvent.Text(1, "more"));

    assertTrue(chats(told).getFirst().has("message"));
    assertFalse(chats(told).getLast().has("message"));
  }

  @Test void theTextOfANewerAttemptReplacesTheOlderOne() {
    var told = told(
        new RunEvent.Text(1, "first try"), new RunEvent.Text(2, "second "), new RunEvent.Text(1, "late"),
        new RunEvent.Text(2, "try"));

    assertEquals("second try", texts(told));
  }

  @Test void whatReplacesTheTextOfTheSameAttemptSaysSo() {
    assertEquals("other", texts(told(new RunEvent.Text(1, "one"), new RunEvent.TextReplaced(1, "other"))));
  }

  @Test void anEmojiThatIsCutInTwoIsToldWhole() {
    var told = told(new RunEvent.Text(1, "a\ud83d"), new RunEvent.Text(1, "\ude00b"));

    assertEquals("a\ud83d\ude00b", texts(told));
    assertEquals("a", chats(told).getFirst().path("deltaText").asText());
  }

  static Stream<RunEvent.Body> ends() {
    return Stream.of(
        new RunEvent.Completed("end_turn", Usage.NONE),
        new RunEvent.Completed("steered", Usage.NONE, "run_other"),
        new RunEvent.Failed(new RunError("harness_failed", "It broke.", "ref_1")),
        new RunEvent.Aborted("owner"));
  }

  @ParameterizedTest @MethodSource("ends")
  void aRunHasOneTerminalEventAndItIsTheLastThatIsTold(RunEvent.Body end) {
    var told = told(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "some"), end);

    var terminal = chats(told).stream().filter(chat -> !chat.path("state").asText().equals("delta")).toList();
    assertEquals(1, terminal.size());
    assertEquals(terminal.getFirst(), told.getLast().payload());
    assertFalse(told.getLast().droppable());
    assertEquals("mine", terminal.getFirst().path("runId").asText());
    assertEquals("some", terminal.getFirst().path("message").path("content").path(0).path("text").asText());
  }

  @Test void aFailureIsToldWithItsReference() {
    var told = told(new RunEvent.Failed(new RunError("deadline_exceeded", "Too long.", "ref_1")));

    assertEquals("Too long. (reference ref_1)", told.getLast().payload().path("errorMessage").asText());
    assertEquals("timeout", told.getLast().payload().path("errorKind").asText());
  }

  @Test void anAttemptAfterACrashIsTheSameRunGoingOn() {
    var told = told(
        new RunEvent.Started(1, "echo"), new RunEvent.Interrupted(1, "crash", "", List.of()),
        new RunEvent.Resumed(2, "echo", "crash"));

    assertEquals(1, told.stream().filter(each -> each.payload().path("data").path("phase").asText()
        .equals("start")).count());
  }

  @Test void stepsAreToldToThoseWhoAskForToolsOnly() {
    var told = told(new RunEvent.StepStarted("s1", "Run ls", "execute"), new RunEvent.StepFinished("s1", false));

    assertEquals(List.of("agent", "session.tool", "agent", "session.tool"),
        told.stream().map(Broadcast::event).toList());
    assertEquals("tool-events", told.getFirst().audience().cap());
    assertTrue(told.getLast().audience().topic().isPresent());
    assertTrue(told.getLast().payload().path("data").path("isError").asBoolean());
    assertEquals("Run ls", told.getLast().payload().path("data").path("name").asText());
  }
}
