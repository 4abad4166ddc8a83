package dev.portcullis.ingress.ws;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/**
 * What can be asked and heard over the sockets, beside what the transport itself has.
 *
 * @param events names of all events that may be announced
 * @param health the gateway's health as the protocol has it; asked for now and then, never too often
 */
public record Repertoire(
    List<Method> methods, List<String> events, Supplier<CompletionStage<JsonNode>> health) {
  public Repertoire {
    methods = List.copyOf(methods);
    events = List.copyOf(events);
  }
}
