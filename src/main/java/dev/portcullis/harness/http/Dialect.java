package dev.portcullis.harness.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.config.HarnessConfig.ModelServer;
import java.util.List;
import java.util.Map;

/** How one model API is spoken. Pure functions: calls, retries and time belong to others. */
public interface Dialect {
  /** Path and query, below the base address, of the list of models. */
  String models();

  /** Path, below the base address, that takes a turn. */
  String turns();

  /** Headers of every request: who asks, and in which version. */
  Map<String, String> headers(String apiKey);

  /** The body of a request for a streamed answer. */
  ObjectNode body(ModelServer server, Prompt prompt);

  /**
   * What an event says; nothing, where it is of no use to us or newer than we are.
   *
   * @throws dev.portcullis.harness.HarnessFault {@code MALFORMED} when its data is no JSON
   */
  List<ModelEvent> decode(ServerSentEvent event);
}
