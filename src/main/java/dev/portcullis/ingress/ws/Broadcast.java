package dev.portcullis.ingress.ws;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.Scope;
import java.util.Optional;

/**
 * An event as all who hear it get it, but for its number on their connection.
 *
 * @param event as the protocol has it, such as {@code chat}
 * @param droppable whether a connection that does not keep up may miss it, and sees a gap, instead of being
 *     closed
 */
public record Broadcast(String event, Audience audience, boolean droppable, JsonNode payload) {
  /**
   * Who hears it: all of these must hold.
   *
   * @param scope one that the connection must hold; empty for none
   * @param session key of the session which it is about; empty for none
   * @param owner of that session: besides them only those hear it who see all sessions; empty when it is not
   *     known, and then nobody else does
   * @param topic that the connection must have asked for; empty for none
   * @param cap that the client must have; empty for none
   */
  public record Audience(
      Optional<Scope> scope, String session, String owner, Optional<Topic> topic, String cap) {
    public static final Audience EVERYBODY = new Audience(Optional.empty(), "", "", Optional.empty(), "");

    /** Whoever holds this scope, whatever sessions it may see. */
    public static Audience holdersOf(Scope scope) {
      return new Audience(Optional.of(scope), "", "", Optional.empty(), "");
    }

    public static Audience readersOf(String session, String owner) {
      return new Audience(Optional.of(Scope.READ), session, owner, Optional.empty(), "");
    }

    public Audience on(Topic wanted) {
      return new Audience(scope, session, owner, Optional.of(wanted), cap);
    }

    public Audience with(String wanted) {
      return new Audience(scope, session, owner, topic, wanted);
    }
  }
}
