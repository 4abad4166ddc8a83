package dev.portcullis.ingress.ws;

import dev.portcullis.ingress.Principal;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.apache.pekko.util.ByteString;

/** One logged-in connection, as methods ask for it and events reach it. */
final class Member implements Peer {
  private final Welcome welcome;
  private final Socket socket;
  private final BooleanSupplier stillWelcome;
  private final Set<Topic> topics = ConcurrentHashMap.newKeySet();
  private long seq;

  /** @param stillWelcome whether what the client has shown still stands for the same principal */
  Member(Welcome welcome, Socket socket, BooleanSupplier stillWelcome) {
    this.welcome = welcome;
    this.socket = socket;
    this.stillWelcome = stillWelcome;
  }

  Welcome welcome() {
    return welcome;
  }

  Socket socket() {
    return socket;
  }

  @Override
  public String connId() {
    return welcome.connId();
  }

  @Override
  public Principal principal() {
    return welcome.principal();
  }

  @Override
  public Set<String> caps() {
    return welcome.client().caps();
  }

  @Override
  public String deviceId() {
    return welcome.deviceId();
  }

  @Override
  public void subscribe(Topic topic) {
    topics.add(topic);
  }

  @Override
  public void unsubscribe(Topic topic) {
    topics.remove(topic);
  }

  /** Whether it may go on; when it may not, the socket is closed. */
  boolean checked() {
    if (stillWelcome.getAsBoolean()) {
      return true;
    }
    socket.cut(4001, "gateway auth changed");
    return false;
  }

  /**
   * Sends an event if this client is of its audience. One that does not fit any more leaves a gap in the
   * numbers if it may be missed; otherwise the connection ends, for the client would show what is not so.
   */
  void tell(Broadcast broadcast, ByteString unnumbered) {
    if (!hears(broadcast.audience())) {
      return;
    }
    synchronized (this) { // Numbers leave in their order.
      seq++;
      if (!socket.event(Envelopes.numbered(unnumbered, seq)) && !broadcast.droppable()) {
        socket.cut(1013, "slow consumer");
      }
    }
  }

  boolean hears(Broadcast.Audience audience) {
    return audience.scope().map(principal()::holds).orElse(true)
        && (audience.cap().isEmpty() || caps().contains(audience.cap()))
        && audience.topic().map(topics::contains).orElse(true)
        && (audience.session().isEmpty() || sees(audience.owner()));
  }

  private boolean sees(String owner) {
    return principal().seesAll() || owner.equals(principal().name());
  }
}
