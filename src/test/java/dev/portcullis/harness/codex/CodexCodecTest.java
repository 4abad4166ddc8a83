package dev.portcullis.harness.codex;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.jsonrpc.Reply;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CodexCodecTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  static final HarnessConfig.Codex SETTINGS = new HarnessConfig.Codex(
      new HarnessConfig.Program("codex", "codex", List.of(), Map.of(), 1, Duration.ofMinutes(1), Duration.ofMinutes(1)),
      "standin-1", "workspace-write", "untrusted", "Be brief.");

  private static JsonNode json(String text) {
    try {
      return JSON.readTree(text.replace('\'', '"'));
    } catch (JsonProcessingException e) {
      throw new AssertionError(text, e);
    }
  }

  private static HarnessFault fault(Runnable call) {
    return assertThrows(HarnessFault.class, call::run);
  }

  @ParameterizedTest
  @CsvSource({
      "portcullis/0.169.0 (Linux; x86_64) dumb (portcullis; 1), 0.169.0",
      "portcullis/0.170.0-alpha.2 (Linux), 0.170.0-alpha.2",
      "portcullis/1.0.0, 1.0.0"})
  void aVersionThatIsNewEnoughIsAccepted(String userAgent, String version) {
    assertEquals(version, CodexCodec.decodeVersion(JSON.createObjectNode().put("userAgent", userAgent)));
  }

  @Test
  @Tag("SEC-42")
  void aVersionThatIsTooOldIsRefusedByNumber() {
    var fault = fault(() -> CodexCodec.decodeVersion(json("{'userAgent':'portcullis/0.168.9 (Linux)'}")));
    assertEquals(Code.WRONG_VERSION, fault.code());
    assertTrue(fault.getMessage().contains("0.168.9") && fault.getMessage().contains("0.169.0"));
  }

  @Test
  void whatTellsNoVersionIsMalformed() {
    assertEquals(Code.MALFORMED, fault(() -> CodexCodec.decodeVersion(json("{'userAgent':'me'}"))).code());
    assertEquals(Code.MALFORMED, fault(() -> CodexCodec.decodeVersion(json("{}"))).code());
  }

  @Test
  void onlyAMissingAccountThatIsNeededIsAFault() {
    CodexCodec.checkAccount(json("{'account':null,'requiresOpenaiAuth':false}"));
    CodexCodec.checkAccount(json("{'account':{'type':'apiKey'},'requiresOpenaiAuth':true}"));
    assertEquals(Code.AUTHENTICATION,
        fault(() -> CodexCodec.checkAccount(json("{'account':null,'requiresOpenaiAuth':true}"))).code());
  }

  @Test
  @Tag("SEC-42")
  void everyThreadIsToldTheSettingsAndThatItsWorkspaceIsNotTrusted() {
    var params = CodexCodec.resumeThread("t", SETTINGS, Path.of("/w"), List.of(Path.of("/w"), Path.of("/real")));
    assertEquals(json("""
        {"cwd":"/w","approvalPolicy":"untrusted","sandbox":"workspace-write","model":"standin-1",
         "developerInstructions":"Be brief.","config":{"features.goals":false,"projects":
           {"/w":{"trust_level":"untrusted"},"/real":{"trust_level":"untrusted"}}},
         "threadId":"t","excludeTurns":true}"""), params);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "'contextWindowExceeded' | x | CONTEXT_LENGTH",
      "'usageLimitExceeded' | x | QUOTA",
      "'rateLimitExceeded' | x | RATE_LIMITED",
      "'serverOverloaded' | x | OVERLOADED",
      "'internalServerError' | x | UPSTREAM",
      "'modelNotFound' | x | MODEL_NOT_FOUND",
      "'unauthorized' | x | AUTHENTICATION",
      "'badRequest' | x | INVALID_REQUEST",
      "'cyberPolicy' | x | CONTENT_REFUSED",
      "'sandboxError' | x | REFUSED",
      "'somethingNew' | x | REFUSED",
      "null | x | REFUSED",
      "{'httpConnectionFailed':{'httpStatusCode':401}} | x | AUTHENTICATION",
      "{'responseTooManyFailedAttempts':{'httpStatusCode':429}} | x | RATE_LIMITED",
      "{'httpConnectionFailed':{'httpStatusCode':402}} | x | QUOTA",
      "{'httpConnectionFailed':{'httpStatusCode':404}} | x | MODEL_NOT_FOUND",
      "{'httpConnectionFailed':{'httpStatusCode':422}} | x | INVALID_REQUEST",
      "{'httpConnectionFailed':{'httpStatusCode':502}} | x | UPSTREAM",
      "{'httpConnectionFailed':{'httpStatusCode':503}} | x | OVERLOADED",
      "{'httpConnectionFailed':{'httpStatusCode':null}} | x | UPSTREAM",
      "{'responseStreamDisconnected':{'httpStatusCode':null}} | x | CUT",
      "{'somethingNew':{}} | x | UPSTREAM",
      "'other' | stream disconnected before completion: closed | CUT",
      "'other' | Incomplete response returned, reason: max_output_tokens | CUT",
      "'other' | Incomplete response returned, reason: content_filter | CONTENT_REFUSED",
      "'other' | Missing environment variable: `KEY`. | NOT_CONFIGURED",
      "'other' | {'error':{'message':'no'}} | INVALID_REQUEST",
      "'other' | something else | REFUSED"}, quoteCharacter = '~')
  void aFailedTurnHasAFaultOfItsOwn(String info, String message, Code code) {
    var error = JSON.createObjectNode().put("message", message);
    error.set("codexErrorInfo", json(info));
    assertEquals(code, CodexErrors.ofTurn(error).code());
  }

  @Test
  @Tag("SEC-44")
  void anErrorIsShownShortAndInOneLine() {
    var error = JSON.createObjectNode().put("message", "a\nFORGED line\u001b[31m" + "x".repeat(1_000));
    var message = CodexErrors.ofTurn(error).getMessage();
    assertTrue(message.chars().noneMatch(Character::isISOControl), message);
    assertTrue(message.length() < 400, message);
  }

  @Test
  void aMessageThatCodexFindsTooLongIsTheConversationsLength() {
    var error = new Reply.Error(-32602, "too large", json("{'input_error_code':'input_too_large'}"));
    assertEquals(Code.CONTEXT_LENGTH, CodexErrors.ofReply("turn/start", error).code());
  }

  @Test
  @Tag("SEC-25")
  void aQuestionAboutACallThatNobodyAnnouncedCannotBeShown() {
    var params = json("{'threadId':'t','turnId':'u','itemId':'c9'}");
    assertEquals(Code.MALFORMED,
        fault(() -> CodexCodec.decodeQuestion(CodexCodec.FILE_CHANGE, params, Map.of("c1", "[1]"))).code());
    assertEquals(Code.MALFORMED,
        fault(() -> CodexCodec.decodeQuestion(CodexCodec.COMMAND, params, Map.of())).code());
  }

  @Test
  void aQuestionAboutAToolOfAServerIsAboutTheCallWithThatInput() {
    var params = json("{'threadId':'t','serverName':'wiki','_meta':{'codex_approval_kind':'mcp_tool_call',"
        + "'tool_name':'write','tool_params':{'b':1,'a':2}}}");
    var announced = Map.of("c1", "{\"server\":\"wiki\",\"tool\":\"write\"}",
        "c2", "{\"arguments\":{\"a\":2,\"b\":1},\"server\":\"wiki\",\"tool\":\"write\"}");
    assertTrue(CodexCodec.asks(CodexCodec.ELICITATION, params));
    var question = CodexCodec.decodeQuestion(CodexCodec.ELICITATION, params, announced);
    assertEquals("c2", question.tool().callId());
    assertEquals(json("{'action':'accept','content':{}}"), question.allow());
    assertEquals(json("{'action':'decline'}"), CodexCodec.declined(CodexCodec.ELICITATION));
  }

  @Test
  void otherQuestionsOfAServerAreNotOurs() {
    assertFalse(CodexCodec.asks(CodexCodec.ELICITATION, json("{'serverName':'wiki','message':'your name?'}")));
    assertFalse(CodexCodec.asks("item/tool/requestUserInput", json("{}")));
  }

  @Test
  void permissionsAreGrantedAsAskedForAndForTheTurnAlone() {
    var params = json("{'threadId':'t','turnId':'u','itemId':'p1','cwd':'/w','reason':'to fetch',"
        + "'permissions':{'network':{'enabled':true}}}");
    var question = CodexCodec.decodeQuestion(CodexCodec.PERMISSIONS, params, Map.of());
    assertTrue(question.own());
    assertEquals("{\"cwd\":\"/w\",\"permissions\":{\"network\":{\"enabled\":true}},\"reason\":\"to fetch\"}",
        question.tool().input());
    assertEquals(json("{'scope':'turn','permissions':{'network':{'enabled':true}}}"), question.allow());
    assertEquals(json("{'scope':'turn','permissions':{}}"), CodexCodec.declined(CodexCodec.PERMISSIONS));
    assertEquals(json("{'scope':'turn','permissions':{}}"), CodexCodec.cancelled(CodexCodec.PERMISSIONS));
  }

  @Test
  void aRequiredFieldThatIsMissingIsNamed() {
    var fault = fault(() -> CodexCodec.decode("item/started", json("{'item':{'type':'commandExecution'}}")));
    assertTrue(fault.getMessage().contains("id"), fault.getMessage());
  }
}
