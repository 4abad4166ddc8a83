package dev.portcullis.ingress.ws;

import dev.portcullis.ingress.Principal;
import java.util.Set;

/** A client that has shown who it is, on one socket. Thread-safe. */
public interface Peer {
  /** Unique for this process's life. */
  String connId();

  /** With the scopes that were granted to this connection, which are never more than the credential's. */
  Principal principal();

  /** What the client says it can do, such as {@code tool-events}. */
  Set<String> caps();

  /** Empty when the client showed no device. */
  String deviceId();

  /**
   * From now on it hears what is told to those who asked for {@code topic}. Lasts until the socket closes.
   */
  void subscribe(Topic topic);

  void unsubscribe(Topic topic);
}
