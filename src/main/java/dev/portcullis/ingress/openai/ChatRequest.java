package dev.portcullis.ingress.openai;

import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import java.util.List;

/**
 * A chat completion, asked for.
 *
 * @param user names a conversation of the client's, empty when there is none
 * @param context the messages before {@code message}
 * @param input what the turn carries besides {@code message}
 * @param includeUsage whether a stream ends with a usage chunk
 */
record ChatRequest(
    String model, String user, List<Message> context, String message, Input input, boolean stream,
    boolean includeUsage) {
  ChatRequest {
    context = List.copyOf(context);
  }
}
