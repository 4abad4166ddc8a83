package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.protocol.Message;
import java.util.ArrayList;
import java.util.List;

/**
 * A response, asked for.
 *
 * @param previous id of the response that this one continues, empty when it continues none
 * @param conversation a conversation of the client's, empty when there is none
 * @param items what was said, oldest first; the last is the user's
 * @param note what is shown of the request with the response: {@link ResponseNote}
 */
record ResponseRequest(
    String model,
    String previous,
    String conversation,
    String instructions,
    List<Message> items,
    boolean stream,
    boolean background,
    ObjectNode note) {
  ResponseRequest {
    items = List.copyOf(items);
  }

  /** Whether it goes on in a session that has said something before. */
  boolean continues() {
    return !previous.isEmpty() || !conversation.isEmpty();
  }

  /** Messages that a session of its own is told before the {@link #message}. */
  List<Message> context() {
    if (continues()) {
      return List.of();
    }
    var before = new ArrayList<Message>();
    if (!instructions.isEmpty()) {
      before.add(new Message("system", instructions));
    }
    before.addAll(items.subList(0, items.size() - 1));
    return before;
  }

  /**
   * The turn. An agent that goes on in its own conversation is told nothing but this, so there all of what is
   * new is in it.
   */
  String message() {
    if (!continues() || items.size() == 1 && instructions.isEmpty()) {
      return items.getLast().text();
    }
    var whole = new StringBuilder();
    if (!instructions.isEmpty()) {
      part(whole, new Message("system", instructions));
    }
    items.forEach(item -> part(whole, item));
    return whole.toString().strip();
  }

  private static void part(StringBuilder whole, Message item) {
    if (!item.role().equals("user")) {
      whole.append('[').append(item.role()).append("]\n");
    }
    whole.append(item.text()).append("\n\n");
  }
}
