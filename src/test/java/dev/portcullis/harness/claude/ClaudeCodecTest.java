package dev.portcullis.harness.claude;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.agent.ToolCall;
import dev.portcullis.harness.agent.ToolCall.Status;
import dev.portcullis.harness.claude.ClaudeMessage.Result;
import dev.portcullis.harness.claude.ClaudeMessage.Tokens;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClaudeCodecTest {
  private static final String SESSION = "0b0e0f00-1111-4222-8333-444455556666";
  private static final String INPUT = "{\"command\":\"echo hi > hi.txt\",\"description\":\"say hi\"}";
  private static final Tokens USED = new Tokens(177, 12, 40);

  private static List<ClaudeMessage> golden(String name) throws IOException {
    try (var in = ClaudeCodecTest.class.getResourceAsStream("/golden/claude/" + name + ".jsonl")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines()
          .flatMap(line -> decode(line).stream()).toList();
    }
  }

  private static List<ClaudeMessage> decode(String line) {
    return ClaudeCodec.decode(ClaudeCodec.parse(line));
  }

  private static ToolCall ended(String callId, Status status) {
    return new ToolCall(callId, "", "", status, "");
  }

  @Test
  void aTurnIsItsPiecesItsWholeTextAndItsEnd() throws Exception {
    assertEquals(List.of(
        new ClaudeMessage.Reply("initialize", "", true),
        new ClaudeMessage.TurnBegun(SESSION),
        new ClaudeMessage.Other("status"),
        new ClaudeMessage.AnswerBegun(),
        new ClaudeMessage.Piece("hello "),
        new ClaudeMessage.Piece("there"),
        new ClaudeMessage.Said("hello there"),
        new Result(false, "success", false, "end_turn", "completed", 0, "hello there", USED, 582)),
        golden("hello"));
  }

  @Test
  void aToolIsAnnouncedAskedAboutAndEnded() throws Exception {
    var call = new ToolCall("toolu_1", "Bash: echo hi > hi.txt", "execute", Status.PENDING, INPUT);
    assertEquals(List.of(
        new ClaudeMessage.Tool(call),
        new ClaudeMessage.Asked("r-1", "Bash", call),
        new ClaudeMessage.Withdrawn("r-1"),
        new ClaudeMessage.Tool(ended("toolu_1", Status.COMPLETED)),
        new ClaudeMessage.Tool(ended("toolu_2", Status.FAILED))), golden("tool"));
  }

  @Test
  void aSubAgentsWordsAreNotTheAnswerButItsStepsAreSteps() throws Exception {
    assertEquals(List.of(
        new ClaudeMessage.Tool(new ToolCall(
            "toolu_3", "Read: /workspace/a", "read", Status.PENDING, "{\"file_path\":\"/workspace/a\"}")),
        new ClaudeMessage.Tool(ended("toolu_3", Status.COMPLETED))), golden("sub-agent"));
  }

  @Test
  void aTurnThatWasCutSaysHowFarItCame() throws Exception {
    assertEquals(List.of(
        new ClaudeMessage.Reply("interrupt-1", "", true),
        new ClaudeMessage.Said("part1 "),
        new Result(false, "error_during_execution", true, "", "aborted_streaming", 0, "cut short", USED, 0)),
        golden("abort"));
  }

  @Test
  void aFailureOfTheModelIsNoTextOfTheAnswer() throws Exception {
    var result = new Result(false, "success", true, "stop_sequence", "completed", 500, "API Error: 500 down", USED, 0);
    assertEquals(List.of(
        new ClaudeMessage.Retried(1, 2, 500, "server_error"),
        new ClaudeMessage.ModelFailed("server_error"),
        result), golden("error"));
  }

  @Test
  void aTurnThatNobodyAskedForIsKnownAsSuch() throws Exception {
    assertEquals(List.of(
        new Result(true, "success", false, "end_turn", "completed", 0, "noticed", USED, 582)), golden("unasked"));
  }

  @Test
  void aSessionThatIsNotFoundIsAResultThatSaysSo() throws Exception {
    assertEquals(List.of(new Result(false, "error_during_execution", true, "", "", 0,
        "No conversation found with session ID: " + SESSION, USED, 0)), golden("unknown-session"));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
      "{`type`:`news`} | news", "{`type`:`system`,`subtype`:`news`} | news"})
  void whatIsNotKnownIsKeptAsAKind(String line, String kind) {
    assertEquals(List.of(new ClaudeMessage.Other(kind)), decode(line.replace('`', '"')));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "{'type':'system','subtype':'init'} | session_id",
      "{'type':'control_request','request':{'subtype':'can_use_tool'}} | request_id",
      "{'type':'control_request','request_id':'r','request':{'subtype':'can_use_tool','tool_name':'Bash'}} | input",
      "{'type':'assistant','message':{'content':[{'type':'text','text':7}]}} | text",
      "{'type':'assistant', | line"})
  void aFieldThatMustBeThereAndIsNotIsNamed(String line, String field) {
    var fault = assertThrows(HarnessFault.class, () -> decode(line.replace('\'', '"')));
    assertEquals(Code.MALFORMED, fault.code());
    assertEquals(true, fault.getMessage().contains("field " + field), fault.getMessage());
  }

  @Test
  @Tag("SEC-25")
  void anAllowanceCarriesExactlyWhatWasShown() {
    assertEquals("{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":\"r-1\","
        + "\"response\":{\"behavior\":\"allow\",\"updatedInput\":" + INPUT + "}}}", ClaudeCodec.allow("r-1", INPUT));
  }

  @Test
  void aRefusalSaysWhyAndEndsTheTurnOnlyIfItShall() {
    var begin = "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":\"r\","
        + "\"response\":{\"behavior\":\"deny\",\"message\":\"no\"";
    assertEquals(begin + "}}}", ClaudeCodec.deny("r", "no", false));
    assertEquals(begin + ",\"interrupt\":true}}}", ClaudeCodec.deny("r", "no", true));
  }

  @Test
  @Tag("SEC-40")
  void aMessageIsOneLineOfTextAndNeverACommand() {
    assertEquals("{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"text\","
        + "\"text\":\" /model x\\n-p --help\"}]},\"parent_tool_use_id\":null}", ClaudeCodec.user("/model x\n-p --help", List.of()));
  }

  @ParameterizedTest
  @CsvSource({
      "authentication_failed, 401, x, false, AUTHENTICATION",
      "authentication_failed, 0, Not logged in, false, AUTHENTICATION",
      "billing_error, 400, Credit balance is too low, false, QUOTA",
      "rate_limit, 429, x, false, RATE_LIMITED",
      "server_error, 500, x, false, UPSTREAM",
      "server_error, 529, x, false, OVERLOADED",
      "server_error, 0, Unable to connect, false, UPSTREAM",
      "server_error, 0, Unable to connect, true, CUT",
      "invalid_request, 400, Prompt is too long, false, CONTEXT_LENGTH",
      "invalid_request, 400, x, false, INVALID_REQUEST",
      "unknown, 400, x, false, INVALID_REQUEST",
      "model_not_found, 404, x, false, MODEL_NOT_FOUND",
      "max_output_tokens, 0, x, false, CUT",
      "something_new, 0, x, false, REFUSED"})
  void whatTheModelDidDecidesTheCode(String error, int status, String text, boolean midAnswer, Code code) {
    var result = new Result(false, "success", true, "stop_sequence", "completed", status, text, USED, 0);
    assertEquals(code, ClaudeFaults.of(result, error, midAnswer).code());
  }
}
