package dev.portcullis.harness.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.AttemptSpec.Interruption;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.HarnessUpdate.StepFinished;
import dev.portcullis.harness.agent.ToolCall.Status;
import dev.portcullis.protocol.Message;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class AgentPartsTest {
  @Test
  void anAnnouncedCallBegunByTimeAndNeverEndedIsClosedAsFailed() {
    var steps = new ToolSteps();
    assertEquals(List.of(), steps.apply(new ToolCall("c", "bash", "", Status.PENDING, "")));
    assertTrue(steps.anyAnnounced());
    assertEquals(List.of(new HarnessUpdate.StepStarted("c", "bash", "other", "")), steps.beginAnnounced());
    assertEquals(List.of(), steps.beginAnnounced());
    assertEquals(List.of(new StepFinished("c", false)), steps.close());
  }

  @Test
  void aFreshSessionIsToldTheConversationAndACutIsExplained() {
    var spec = new AttemptSpec("c", "r", 2, Path.of("/"), "deploy it",
        List.of(new Message("user", "hello"), new Message("assistant", "hi")), "",
        new Interruption.Cut("restart", List.of("build"), List.of("upload")));
    assertEquals("""
        The conversation so far, for you to know; do not answer it again:

        [user]
        hello

        [assistant]
        hi

        [end of the conversation so far]

        Note from the gateway: your work on the message below was cut off (restart). This is a continuation \
        of that work, not a new request.
        Finished before it was cut off; do not do these again:
        - build
        Begun, and nobody knows with what outcome; find out what really happened before you go on, and do \
        not simply repeat these:
        - upload

        The message:

        deploy it""", AgentPrompt.of(spec, true));
    assertTrue(AgentPrompt.of(spec, false).startsWith("Note from the gateway"));
  }

  @Test
  void aMessageThatWasSaidInPiecesIsNotSaidAgain() {
    var answer = new AnswerText();
    assertEquals(List.of(new HarnessUpdate.Text("hel")), answer.piece("hel"));
    assertEquals(List.of(new HarnessUpdate.Text("lo")), answer.piece("lo"));
    assertEquals(List.of(), answer.whole("hello"));
  }

  @Test
  void whatPiecesLeftOutIsAddedAndWhatTheySaidWrongIsReplaced() {
    var answer = new AnswerText();
    answer.piece("hel");
    assertEquals(List.of(new HarnessUpdate.Text("lo")), answer.whole("hello"));
    answer.piece("wor");
    answer.piece("wor");
    assertEquals(List.of(new HarnessUpdate.TextReplaced("hello\n\nworld")), answer.whole("world"));
  }

  @Test
  void messagesOfOneAnswerAreSetApart() {
    var answer = new AnswerText();
    assertEquals(List.of(new HarnessUpdate.Text("one")), answer.whole("one"));
    assertEquals(List.of(), answer.whole(""));
    assertEquals(List.of(new HarnessUpdate.Text("\n\ntwo")), answer.piece("two"));
    assertEquals(List.of(), answer.whole("two"));
    assertEquals(List.of(new HarnessUpdate.Text("\n\nthree")), answer.whole("three"));
  }
}
