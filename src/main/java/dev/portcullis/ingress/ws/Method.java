package dev.portcullis.ingress.ws;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.Operation;
import java.util.concurrent.CompletionStage;

/**
 * One thing that can be asked over a socket. There is no method without an operation, so nothing can be
 * reached without a decision about who may.
 *
 * @param name as the protocol has it, such as {@code chat.send}
 * @param advertised false for an alias that works and is not told of
 */
public record Method(String name, Operation operation, boolean advertised, Handler handler) {
  /** Answers with the payload, or fails with what {@link dev.portcullis.ingress.Problems} knows. */
  @FunctionalInterface
  public interface Handler {
    CompletionStage<JsonNode> handle(MethodCall call);
  }

  public static Method of(String name, Operation operation, Handler handler) {
    return new Method(name, operation, true, handler);
  }
}
