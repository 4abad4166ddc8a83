package dev.portcullis.ingress.ws;

import java.util.ArrayDeque;
import java.util.Optional;
import org.apache.pekko.http.impl.engine.ws.FrameEvent;
import org.apache.pekko.util.ByteString;

/**
 * What waits to be sent on one socket. Events may pile up to a limit and no further; answers are waited for
 * by whoever asked, so instead of a limit there is {@link #full()}, at which nothing more is read.
 * Thread-safe.
 */
final class Outbox {
  /** A piece that is handed over at once, so that a long message shows how far it came. */
  private static final int PIECE = 64 << 10;

  /** @param now whether what still waits is given up */
  private record Closing(int code, String reason, boolean now) {}

  private record Waiting(ByteString text, boolean event) {}

  private final int most;
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>(2);
  private long eventBytes;
  private long answerBytes;
  private ByteString rest = ByteString.emptyByteString();
  private Optional<ByteString> pong = Optional.empty();
  private boolean pingDue;
  private Optional<Closing> closing = Optional.empty();
  private boolean ended;

  /** @param most bytes of events that may wait */
  Outbox(int most) {
    this.most = most;
  }

  /**
   * False when it does not fit; it is not taken then. Where nothing waits, everything fits. What comes after
   * the end counts as taken.
   */
  synchronized boolean event(ByteString text) {
    if (closing.isPresent()) {
      return true;
    }
    if (eventBytes > 0 && eventBytes + text.size() > most) {
      return false;
    }
    eventBytes += text.size();
    waiting.add(new Waiting(text, true));
    return true;
  }

  synchronized void answer(ByteString text) {
    if (closing.isEmpty()) {
      answerBytes += text.size();
      waiting.add(new Waiting(text, false));
    }
  }

  /** Whether so many answers wait that no further request should be read. */
  synchronized boolean full() {
    return answerBytes > most;
  }

  /** Only the newest is answered, as the protocol of WebSockets allows. */
  synchronized void pong(ByteString data) {
    pong = Optional.of(data);
  }

  synchronized void ping() {
    pingDue = true;
  }

  /** The first reason counts, but one that does not wait overtakes one that does. */
  synchronized void close(int code, String reason, boolean now) {
    if (closing.isEmpty() || now && !closing.get().now()) {
      closing = Optional.of(new Closing(code, reason, now));
    }
    if (now) {
      waiting.clear();
      eventBytes = 0;
      answerBytes = 0;
    }
  }

  synchronized boolean closing() {
    return closing.isPresent();
  }

  /** What goes out next; the close frame comes last, once. */
  synchronized Optional<FrameEvent> next() {
    if (ended) {
      return Optional.empty();
    }
    if (!rest.isEmpty()) { // Nothing may come between the pieces of a frame.
      return Optional.of(Frames.more(piece(), rest.isEmpty()));
    }
    if (pong.isPresent()) {
      var data = pong.get();
      pong = Optional.empty();
      return Optional.of(Frames.start(Frames.PONG, data.size(), data));
    }
    if (!waiting.isEmpty()) {
      var first = waiting.poll();
      if (first.event()) {
        eventBytes -= first.text().size();
      } else {
        answerBytes -= first.text().size();
      }
      rest = first.text();
      return Optional.of(Frames.start(Frames.TEXT, first.text().size(), piece()));
    }
    if (closing.isPresent()) {
      ended = true;
      return closing.map(end -> Frames.close(end.code(), end.reason()));
    }
    if (pingDue) {
      pingDue = false;
      return Optional.of(Frames.start(Frames.PING, 0, ByteString.emptyByteString()));
    }
    return Optional.empty();
  }

  /** Whether the close frame has been handed over. */
  synchronized boolean ended() {
    return ended;
  }

  private ByteString piece() {
    var piece = rest.take(PIECE);
    rest = rest.drop(PIECE);
    return piece;
  }
}
