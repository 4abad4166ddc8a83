package dev.portcullis.ingress.openai;

import dev.portcullis.protocol.Message;
import java.util.List;

/**
 * A chat completion, asked for.
 *
 * @param user names a conversation of the client's, empty when there is none
 * @param context the messages before {@code message}
 * @param includeUsage whether a stream ends with a usage chunk
 */
record ChatRequest(
    String model, String user, List<Message> context, String message, boolean stream, boolean includeUsage) {
  ChatRequest {
    context = List.copyOf(context);
  }
}
