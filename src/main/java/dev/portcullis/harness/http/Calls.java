package dev.portcullis.harness.http;

import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.Message;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;

/** Calls and their results in a transcript, of which a client may have sent any. Pure. */
final class Calls {
  private static final String NO_RESULT = "No result was given.";

  private Calls() {}

  /** Servers refuse a call without a result, and a result without a call: none is left alone. */
  static List<Message> paired(List<Message> messages) {
    var paired = new ArrayList<Message>();
    var open = new LinkedHashSet<String>();
    for (var message : messages) {
      if (message.role().equals("tool") && open.remove(message.callId())) {
        paired.add(message);
        continue;
      }
      close(open, paired);
      paired.add(message.role().equals("tool") ? said(message) : message);
      message.calls().forEach(call -> open.add(call.id()));
    }
    close(open, paired);
    return paired;
  }

  private static void close(Collection<String> open, List<Message> paired) {
    open.forEach(id -> paired.add(new Message("tool", NO_RESULT, List.of(), List.of(), id)));
    open.clear();
  }

  /** The same as plain text. */
  static Message inWords(Message message) {
    if (message.role().equals("tool")) {
      return said(message);
    }
    return message.calls().isEmpty() ? message
        : new Message(message.role(), String.join("\n", lines(message)));
  }

  private static List<String> lines(Message message) {
    var lines = new ArrayList<String>();
    if (!message.text().isEmpty()) {
      lines.add(message.text());
    }
    for (FunctionCall call : message.calls()) {
      lines.add("[called " + call.name() + " with " + call.arguments() + "]");
    }
    return lines;
  }

  private static Message said(Message result) {
    return new Message("user", "Result of a tool call: " + result.text());
  }
}
