package dev.portcullis.ingress.ws;

import java.util.Optional;
import org.apache.pekko.http.impl.engine.ws.FrameData;
import org.apache.pekko.http.impl.engine.ws.FrameEvent;
import org.apache.pekko.http.impl.engine.ws.FrameEventParser;
import org.apache.pekko.http.impl.engine.ws.FrameHeader;
import org.apache.pekko.http.impl.engine.ws.FrameStart;
import org.apache.pekko.http.impl.engine.ws.Protocol;
import org.apache.pekko.http.impl.engine.ws.UpgradeToWebSocketLowLevel;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.stream.FlowShape;
import org.apache.pekko.stream.Graph;
import org.apache.pekko.stream.javadsl.Flow;
import org.apache.pekko.util.ByteString;
import scala.Option;

/**
 * Frames as Pekko HTTP parses and writes them. They are below its public interface, which can send no close
 * code and shows neither fragments nor pongs; only this class and {@link Assembly} know of them. Why:
 * docs/adr/0016.
 */
final class Frames {
  static final byte CONTINUATION = 0;
  static final byte TEXT = 1;
  static final byte CLOSE = 8;
  static final byte PING = 9;
  static final byte PONG = 10;

  /** A control frame holds 125 bytes, two of which are the code. */
  private static final int REASON_MAX = 123;

  private Frames() {}

  static boolean asksForUpgrade(HttpRequest request) {
    return request.getHeader(UpgradeToWebSocketLowLevel.class).isPresent();
  }

  /** 101; {@code socket} takes over the connection. */
  static HttpResponse upgrade(HttpRequest request, Graph<FlowShape<FrameEvent, FrameEvent>, ?> socket) {
    return request.getHeader(UpgradeToWebSocketLowLevel.class)
        .orElseThrow(() -> new IllegalStateException("no upgrade was asked for"))
        .handleFrames(Flow.fromGraph(socket).mapMaterializedValue(value -> (Object) value), Option.empty());
  }

  /** The beginning of a frame of {@code length} bytes, and as many of them as there are yet. */
  static FrameEvent start(byte opcode, long length, ByteString first) {
    return new FrameStart(
        new FrameHeader(
            Protocol.Opcode$.MODULE$.forCode(opcode), Option.empty(), length, true, false, false, false),
        first);
  }

  static FrameEvent more(ByteString data, boolean last) {
    return new FrameData(data, last);
  }

  /** @param reason as much of it is sent as fits, in ASCII */
  static FrameEvent close(int code, String reason) {
    var plain = reason.replaceAll("[^\\x20-\\x7e]", "?");
    return FrameEvent.closeFrame(
        code, plain.substring(0, Math.min(REASON_MAX, plain.length())), Option.empty());
  }

  /** The code of a close frame; 1000 when it has none. */
  static int closeCode(ByteString data) {
    return Optional.of(data).filter(bytes -> bytes.size() >= 2)
        .map(bytes -> (bytes.apply(0) & 0xff) << 8 | bytes.apply(1) & 0xff)
        .filter(code -> code >= 1000 && code < 5000 && code != 1005 && code != 1006 && code != 1015)
        .orElse(1000);
  }

  /** Data with the mask taken off, and the mask for what follows of the same frame. */
  record Unmasked(ByteString data, int mask) {
    static Unmasked of(ByteString data, int mask) {
      var pair = FrameEventParser.mask(data, mask);
      return new Unmasked(pair._1(), (int) pair._2());
    }
  }
}
