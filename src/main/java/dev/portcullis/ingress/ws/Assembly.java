package dev.portcullis.ingress.ws;

import org.apache.pekko.http.impl.engine.ws.FrameData;
import org.apache.pekko.http.impl.engine.ws.FrameEvent;
import org.apache.pekko.http.impl.engine.ws.FrameHeader;
import org.apache.pekko.http.impl.engine.ws.FrameStart;
import org.apache.pekko.util.ByteString;

/**
 * Puts a client's frames together to messages, and counts while they arrive: nothing is kept beyond the
 * limits. Source: RFC 6455, section 5.
 */
final class Assembly {
  static final int FRAGMENTS_MAX = 1_024;
  private static final int CONTROL_MAX = 125;

  /** What a part of a frame has completed. */
  sealed interface Found {
    record Nothing() implements Found {}

    record Text(byte[] bytes) implements Found {}

    record Ping(ByteString data) implements Found {}

    record Pong() implements Found {}

    record Close(int code) implements Found {}

    /** What the client must be told when the socket is closed. */
    record Fault(int code, String reason) implements Found {}
  }

  private static final Found NOTHING = new Found.Nothing();

  private volatile int limit;
  private boolean inMessage;
  private int fragments;
  private ByteString message = ByteString.emptyByteString();
  private ByteString control = ByteString.emptyByteString();
  private byte opcode;
  private boolean fin;
  private int mask;

  /** @param limit most bytes of one message */
  Assembly(int limit) {
    this.limit = limit;
  }

  /** From any thread, for the messages that begin from now on. */
  void limit(int bytes) {
    limit = bytes;
  }

  Found add(FrameEvent event) {
    return switch (event) {
      case FrameStart start -> start(start.header(), start.data(), start.lastPart());
      case FrameData data -> data(data.data(), data.lastPart());
      case FrameEvent other -> throw new IllegalStateException("no part of a frame: " + other);
    };
  }

  private Found start(FrameHeader header, ByteString data, boolean whole) {
    opcode = header.opcode().code();
    fin = header.fin();
    if (header.mask().isEmpty() || header.rsv1() || header.rsv2() || header.rsv3()) {
      return new Found.Fault(1002, "frames of a client are masked and not compressed");
    }
    mask = (int) header.mask().get();
    if (opcode >= Frames.CLOSE) {
      control = ByteString.emptyByteString();
      return !fin || header.length() > CONTROL_MAX
          ? new Found.Fault(1002, "a control frame is short and whole")
          : data(data, whole);
    }
    if (opcode != Frames.TEXT && opcode != Frames.CONTINUATION) {
      return new Found.Fault(1003, "text only");
    }
    if (inMessage == (opcode == Frames.TEXT)) {
      return new Found.Fault(1002, "fragments are out of order");
    }
    inMessage = true;
    fragments++;
    // The length that is announced is enough to refuse it; a limit may also have come down since.
    if (fragments > FRAGMENTS_MAX || header.length() < 0 || header.length() > limit - message.size()) {
      return new Found.Fault(1009, "message too big");
    }
    return data(data, whole);
  }

  private Found data(ByteString masked, boolean whole) {
    var plain = Frames.Unmasked.of(masked, mask);
    mask = plain.mask();
    if (opcode >= Frames.CLOSE) {
      control = control.concat(plain.data());
      return whole ? control() : NOTHING;
    }
    message = message.concat(plain.data());
    if (!whole || !fin) {
      return NOTHING;
    }
    var bytes = message.toArray();
    message = ByteString.emptyByteString();
    inMessage = false;
    fragments = 0;
    return new Found.Text(bytes);
  }

  private Found control() {
    return switch (opcode) {
      case Frames.CLOSE -> new Found.Close(Frames.closeCode(control));
      case Frames.PING -> new Found.Ping(control);
      case Frames.PONG -> new Found.Pong();
      default -> new Found.Fault(1002, "there is no such control frame");
    };
  }
}
