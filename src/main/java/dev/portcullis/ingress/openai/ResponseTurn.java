package dev.portcullis.ingress.openai;

import dev.portcullis.ingress.Fields;
import dev.portcullis.protocol.FunctionResult;
import dev.portcullis.protocol.Message;
import java.util.ArrayList;
import java.util.List;

/** The items of a request for a response as a turn. */
final class ResponseTurn {
  private ResponseTurn() {}

  /** In a session of its own: the last is the turn, and what was before it is told as such. */
  static Conversation first(String instructions, List<Message> items) {
    var said = Conversation.of("input", items);
    var context = new ArrayList<Message>();
    if (!instructions.isEmpty()) {
      context.add(new Message("system", instructions));
    }
    context.addAll(said.context());
    return new Conversation(context, said.text(), said.images(), said.results());
  }

  /**
   * In a session that has said something before. An agent that goes on in its own conversation is told
   * nothing but the turn, so all of what is new is in it.
   *
   * @param answers whether what it continues is known, so that results can be meant for its calls
   */
  static Conversation continuing(String instructions, List<Message> items, boolean answers) {
    var text = new StringBuilder();
    if (!instructions.isEmpty()) {
      part(text, new Message("system", instructions));
    }
    var results = new ArrayList<FunctionResult>();
    for (var item : items) {
      if (!item.calls().isEmpty()) {
        throw Fields.fault("input", "cannot hold a function_call here: it is in what this continues");
      }
      if (!item.role().equals("tool")) {
        part(text, item);
      } else if (answers) {
        results.add(new FunctionResult(item.callId(), item.text()));
      } else {
        throw Fields.fault("input", "can hold a function_call_output only with previous_response_id");
      }
    }
    boolean alone = instructions.isEmpty() && items.size() == 1;
    var said = alone && results.isEmpty() ? items.getFirst().text() : text.toString().strip();
    var images = items.stream().flatMap(item -> item.images().stream()).toList();
    return new Conversation(List.of(), said, images, results);
  }

  private static void part(StringBuilder text, Message item) {
    if (item.text().isBlank()) {
      return;
    }
    if (!item.role().equals("user")) {
      text.append('[').append(item.role()).append("]\n");
    }
    text.append(item.text()).append("\n\n");
  }
}
