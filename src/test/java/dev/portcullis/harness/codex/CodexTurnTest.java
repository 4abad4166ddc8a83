package dev.portcullis.harness.codex;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.agent.AgentConnection.Question;
import dev.portcullis.harness.agent.AgentConnection.Turn;
import dev.portcullis.harness.agent.ToolCall;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Turns as Codex tells them, in lines written after recordings of 0.169. */
class CodexTurnTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final List<String> heard = new ArrayList<>();
  private final CodexTurn turn = new CodexTurn("thr-1", new Turn() {
    @Override
    public void text(String piece) {
      if (!piece.isEmpty()) {
        heard.add("text " + piece);
      }
    }

    @Override
    public void said(String whole) {
      heard.add("said " + whole);
    }

    @Override
    public void tool(ToolCall news) {
      heard.add("tool " + news.callId() + " " + news.kind() + " " + news.status() + " " + news.title());
    }

    @Override
    public void asked(Question question) {
      throw new IllegalStateException("questions come to the connection");
    }

    @Override
    public void withdrawn(String questionId) {
      heard.add("withdrawn " + questionId);
    }

    @Override
    public void used(HarnessUpdate.Usage usage) {
      heard.add("used " + usage.inputTokens() + " " + usage.cachedTokens() + " " + usage.outputTokens());
    }

    @Override
    public void unknown(String kind) {
      heard.add("unknown " + kind);
    }

    @Override
    public void awaitRoom() {}
  });
  private HarnessUpdate end = new HarnessUpdate.Unknown("none yet");

  static List<JsonNode> golden(String name) throws IOException {
    try (var in = CodexTurnTest.class.getResourceAsStream("/golden/codex/" + name + ".jsonl")) {
      var lines = new ArrayList<JsonNode>();
      for (var line : new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
        lines.add(JSON.readTree(line));
      }
      return lines;
    }
  }

  private void play(List<JsonNode> lines) {
    for (var line : lines) {
      var method = line.get("method").asText();
      if (line.has("id")) {
        var question = CodexCodec.decodeQuestion(method, line.get("params"), turn.announced());
        heard.add("asked " + question.tool().callId() + " " + question.tool().input());
        continue;
      }
      var news = CodexCodec.decode(method, line.get("params"));
      if (turn.hear(news) && news.event() instanceof CodexEvent.TurnOver(var last)) {
        end = last.getLast();
      }
    }
  }

  @Test
  @Tag("SEC-25")
  void callsQuestionsTextAndUsageComeInOrderAndWhole() throws IOException {
    play(golden("tools"));
    heard.removeIf(line -> line.startsWith("unknown "));
    assertEquals(List.of(
        "text First ", "text I look.", "said First I look.",
        "tool c1 execute IN_PROGRESS /bin/bash -lc 'wc -l notes'",
        "asked c1 {\"command\":\"/bin/bash -lc 'wc -l notes'\",\"cwd\":\"/w\",\"kind\":\"command\"}",
        "withdrawn 0", "used 140 50 12",
        "tool c1 execute COMPLETED /bin/bash -lc 'wc -l notes'",
        "tool c2 execute IN_PROGRESS /bin/bash -lc 'rm notes'",
        "asked c2 {\"command\":\"/bin/bash -lc 'rm notes'\",\"cwd\":\"/w\",\"kind\":\"command\"}",
        "withdrawn 1", "tool c2 execute FAILED /bin/bash -lc 'rm notes'",
        "tool c3 other IN_PROGRESS wiki/search", "tool c3 other FAILED wiki/search",
        "tool c4 edit IN_PROGRESS change /w/a.txt",
        "asked c4 {\"changes\":[{\"diff\":\"one\\ntwo\\n\",\"kind\":{\"type\":\"add\"},\"path\":\"/w/a.txt\"}],"
            + "\"reason\":\"outside of the workspace\"}",
        "withdrawn 2", "tool c4 edit COMPLETED change /w/a.txt", "used 300 100 24",
        "text Done.", "said Done. 7 lines."), heard);
    assertEquals(new HarnessUpdate.Completed("completed"), end);
    assertFalse(turn.leavesWork());
  }

  @Test
  void aMessageThatIsBegunAnewReplacesWhatWasSaidOfIt() throws IOException {
    play(golden("told-again"));
    assertEquals(List.of("text The answer ", "text is 4", "unknown error", "said ", "text The answer ",
        "text is 42.", "said The answer is 42."), heard);
  }

  @Test
  @Tag("INV-R9")
  void wordsAndEndsOfOtherTurnsAreNotHeardButTheirCallsAre() throws IOException {
    var lines = golden("foreign");
    play(lines.subList(0, 5));
    assertTrue(turn.leavesWork(), "a helper is at work");
    play(lines.subList(5, lines.size()));
    assertEquals(List.of("tool h1 execute IN_PROGRESS make", "unknown newer/thing", "unknown hologram",
        "tool h1 execute COMPLETED make"), heard);
    assertFalse(turn.leavesWork());
    assertTrue(end instanceof HarnessUpdate.Failed, "interrupted, and nobody had asked for it");
  }

  @Test
  void aCommandThatIsNotOverLeavesWork() throws IOException {
    play(golden("tools").subList(0, 10));
    assertTrue(turn.leavesWork());
  }

  @Test
  void aPermissionThatIsGrantedIsDoneWhenCodexHasHeardOfIt() throws IOException {
    play(golden("tools").subList(0, 2));
    turn.granting("7", "p1");
    play(List.of(JSON.readTree(
        "{\"method\":\"serverRequest/resolved\",\"params\":{\"threadId\":\"thr-1\",\"requestId\":7}}")));
    assertEquals(List.of("withdrawn 7", "tool p1  COMPLETED "), heard);
  }
}
