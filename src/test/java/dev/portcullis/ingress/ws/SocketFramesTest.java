package dev.portcullis.ingress.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.IngressRig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Frames that no good client sends, and the limits that hold while they arrive. */
class SocketFramesTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final byte[] ONE = {'x'};

  @TempDir static Path data;
  private static WsRig rig;

  @BeforeAll
  static void open() {
    rig = new WsRig(KIT.system(), data.resolve("d"));
  }

  @AfterAll
  static void stop() {
    rig.close();
    KIT.shutdownTestKit();
  }

  private static RawSocket login() throws IOException {
    return RawSocket.login(rig.port(), rig.token.reveal(), "operator.read");
  }

  private static String echo(String id, String params) {
    return "{\"type\":\"req\",\"id\":\"" + id + "\",\"method\":\"test.echo\",\"params\":" + params + "}";
  }

  private static JsonNode answer(RawSocket raw, String id) throws IOException {
    while (true) {
      var frame = raw.read();
      assertEquals(1, frame.opcode(), frame.toString());
      var json = IngressRig.json(frame.text());
      if (json.path("id").asText().equals(id)) {
        return json;
      }
    }
  }

  private static void assertAnswers(RawSocket raw) throws IOException {
    raw.text(echo("alive", "{}"));
    assertTrue(answer(raw, "alive").path("ok").asBoolean());
  }

  @Test
  void compressionIsNeverAgreedTo() throws IOException {
    var head = RawSocket.upgrade(rig.port(), "/", "Sec-WebSocket-Extensions: permessage-deflate");

    assertTrue(head.startsWith("HTTP/1.1 101 "), head);
    assertFalse(head.toLowerCase().contains("sec-websocket-extensions"), head);
  }

  @Test
  void bytesAreNoText() throws IOException {
    try (var raw = login()) {
      raw.frame(0x82, ONE);
      assertEquals(1003, raw.closed().closeCode());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0xC1, 0xA1, 0x91}) // One reserved bit each.
  void aFrameWithAReservedBitEndsTheSocket(int head) throws IOException {
    try (var raw = login()) {
      raw.frame(head, ONE);
      assertEquals(1002, raw.closed().closeCode());
    }
  }

  @Test
  void aFrameWithoutAMaskEndsTheSocket() throws IOException {
    try (var raw = login()) {
      raw.plain(new byte[] {(byte) 0x81, 1, 'x'});
      assertEquals(1002, raw.closed().closeCode());
    }
  }

  @Test
  void aContinuationOfNothingEndsTheSocket() throws IOException {
    try (var raw = login()) {
      raw.frame(0x80, ONE);
      assertEquals(1002, raw.closed().closeCode());
    }
  }

  @Test
  void aMessageWithinAnotherEndsTheSocket() throws IOException {
    try (var raw = login()) {
      raw.frame(0x01, ONE);
      raw.frame(0x81, ONE);
      assertEquals(1002, raw.closed().closeCode());
    }
  }

  @Test
  void aControlFrameThatIsLongEndsTheSocket() throws IOException {
    try (var raw = login()) {
      raw.frame(0x89, new byte[126]);
      assertEquals(1002, raw.closed().closeCode());
    }
  }

  @Test
  void anOpcodeThatDoesNotExistEndsTheSocket() throws IOException {
    try (var raw = login()) {
      raw.frame(0x83, ONE);
      var code = raw.closed().closeCode();
      assertTrue(code == 1002 || code == 1003, () -> "closed with " + code);
    }
  }

  @Test
  void aMessageInPiecesIsOneMessageAndAPingBetweenThemIsAnswered() throws IOException {
    try (var raw = login()) {
      var text = echo("pieces", "{\"a\":\"b\"}").getBytes(StandardCharsets.UTF_8);
      var half = text.length / 2;
      raw.frame(0x01, java.util.Arrays.copyOf(text, half));
      raw.frame(0x89, "are you there".getBytes(StandardCharsets.UTF_8));
      raw.frame(0x80, java.util.Arrays.copyOfRange(text, half, text.length));

      assertEquals(new RawSocket.Frame(10, "are you there", 0), raw.read());
      assertEquals("b", answer(raw, "pieces").path("payload").path("a").asText());
    }
  }

  @Test
  @Tag("SEC-50")
  void moreThanAThousandFragmentsEndTheSocket() throws IOException {
    try (var raw = login(); var other = login()) {
      raw.frame(0x01, ONE);
      raw.frames(0x00, ONE, 1_023);
      assertAnswers(other);
      raw.frames(0x00, ONE, 1);

      assertEquals(1009, raw.closed().closeCode());
    }
  }

  @Test
  @Tag("SEC-50")
  void fragmentsThatHoldNothingCountToo() throws IOException {
    try (var raw = login()) {
      raw.frame(0x01, new byte[0]);
      raw.frames(0x00, new byte[0], 1_024);

      assertEquals(1009, raw.closed().closeCode());
    }
  }

  @Test
  @Tag("SEC-50")
  void aLengthThatIsOnlyAnnouncedIsRefusedAtOnce() throws IOException {
    try (var raw = login()) {
      raw.begun(0x81, 100L << 20, ONE);

      assertEquals(1009, raw.closed().closeCode());
    }
  }

  @Test
  @Tag("SEC-50")
  void fragmentsThatAddUpToTooMuchEndTheSocket() throws IOException {
    try (var raw = login()) {
      raw.frame(0x01, new byte[40 << 10]);
      raw.frame(0x80, new byte[40 << 10]);

      assertEquals(1009, raw.closed().closeCode());
    }
  }

  @Test
  @Tag("SEC-49")
  void theFirstMessageMustBeShort() throws IOException {
    try (var raw = RawSocket.open(rig.port())) {
      raw.begun(0x81, (16 << 10) + 1, ONE);

      assertEquals(1009, raw.closed().closeCode());
    }
  }

  @Test
  void aMessageAsLongAsIsAllowedIsAnswered() throws IOException {
    try (var raw = login()) {
      var around = echo("full", "{\"t\":\"\"}").length();
      raw.text(echo("full", "{\"t\":\"" + "y".repeat((64 << 10) - around) + "\"}"));

      assertTrue(answer(raw, "full").path("ok").asBoolean());
    }
  }

  @ParameterizedTest
  @Tag("SEC-52")
  @ValueSource(strings = {
    "{\"scope\":\"read\",\"scope\":\"admin\"}", "1e1000000000000000000000000000000000000000000000000000000000000000",
    "{} trailing", "[1,2]", "\"text\""})
  void whatIsAmbiguousIsRefusedAndTheSocketGoesOn(String params) throws IOException {
    try (var raw = login()) {
      raw.text(echo("odd", params));
      var frame = IngressRig.json(raw.read().text());

      assertFalse(frame.path("ok").asBoolean(), frame.toString());
      assertEquals("INVALID_REQUEST", frame.path("error").path("code").asText());
      assertAnswers(raw);
    }
  }

  @Test
  @Tag("SEC-50")
  void aDeepNestIsRefusedAndTheSocketGoesOn() throws IOException {
    try (var raw = login()) {
      raw.text(echo("deep", "[".repeat(10_000) + "]".repeat(10_000)));

      assertEquals("invalid", IngressRig.json(raw.read().text()).path("id").asText());
      assertAnswers(raw);
    }
  }

  @Test
  void anEnvelopeIsClosed() throws IOException {
    try (var raw = login()) {
      raw.text("{\"type\":\"req\",\"id\":\"7\",\"method\":\"test.echo\",\"params\":{},\"more\":1}");
      var answer = answer(raw, "7");

      assertEquals("INVALID_REQUEST", answer.path("error").path("code").asText());
      assertTrue(answer.path("error").path("message").asText().contains("more"), answer.toString());
    }
  }

  @Test
  void whoSaysGoodbyeGetsItBack() throws IOException {
    try (var raw = login()) {
      raw.frame(0x88, new byte[] {(byte) (1001 >> 8), (byte) 1001});

      assertEquals(1001, raw.closed().closeCode());
      assertTrue(raw.ends());
    }
  }
}
