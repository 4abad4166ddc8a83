package dev.portcullis.ingress.openai;

import dev.portcullis.ingress.Fields;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.FunctionResult;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.Toolbox;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The messages of a request, of either API, as a turn and what was before it. The turn is the last message, a
 * user's, and the results right before it; or the results that the messages end with.
 *
 * @param text of the turn; empty when it only brings images or results
 */
record Conversation(
    List<Message> context, String text, List<Image> images, List<FunctionResult> results) {
  Conversation {
    context = List.copyOf(context);
    images = List.copyOf(images);
    results = List.copyOf(results);
  }

  /** What the turn carries besides its text, with the functions that the request offers. */
  Input input(Toolbox tools) {
    return new Input(images, tools, results);
  }

  /**
   * @param field of the request that {@code messages} are, one for one
   * @throws dev.portcullis.ingress.InputFault naming the message that cannot be where it is
   */
  static Conversation of(String field, List<Message> messages) {
    int end = messages.size();
    var last = messages.getLast();
    boolean says = last.role().equals("user");
    int to = says ? end - 1 : end;
    int from = to;
    while (from > 0 && messages.get(from - 1).role().equals("tool")) {
      from--;
    }
    var asked = from == 0 ? List.<FunctionCall>of() : messages.get(from - 1).calls();
    if (!says) {
      var name = field + "[" + (end - 1) + "]";
      if (!last.role().equals("tool")) {
        throw Fields.fault(name + ".role", "must be user or tool: the last message is the turn");
      }
      var ids = asked.stream().map(FunctionCall::id).collect(Collectors.toSet());
      if (!messages.subList(from, to).stream().allMatch(result -> ids.contains(result.callId()))) {
        throw Fields.fault(name, "must follow the assistant's message that holds the call which it answers");
      }
    }
    int before = asked.isEmpty() ? to : from;
    return new Conversation(
        messages.subList(0, before).stream().filter(message -> !message.isEmpty()).toList(),
        says ? last.text() : "",
        last.images(),
        messages.subList(before, to).stream()
            .map(result -> new FunctionResult(result.callId(), result.text()))
            .toList());
  }
}
