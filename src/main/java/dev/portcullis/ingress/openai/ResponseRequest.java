package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import java.util.List;

/**
 * A response, asked for.
 *
 * @param previous id of the response that this one continues, empty when it continues none
 * @param conversation a conversation of the client's, empty when there is none
 * @param context messages that a session of its own is told before {@code message}
 * @param input what the turn carries besides {@code message}
 * @param note what is shown of the request with the response: {@link ResponseNote}
 */
record ResponseRequest(
    String model,
    String previous,
    String conversation,
    List<Message> context,
    String message,
    Input input,
    boolean stream,
    boolean background,
    ObjectNode note) {
  ResponseRequest {
    context = List.copyOf(context);
  }

  /** Whether it goes on in a session that has said something before. */
  boolean continues() {
    return !previous.isEmpty() || !conversation.isEmpty();
  }
}
