package dev.portcullis.ingress.ws;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.Fields;
import dev.portcullis.session.Sessions;
import java.util.function.Consumer;

/**
 * A request that may be answered.
 *
 * @param fields its parameters; an empty object when it has none
 * @param sessions as the peer may see and change them
 * @param interim answers once more before the last answer, under the same id
 */
public record MethodCall(
    String method, Fields fields, Peer peer, Sessions sessions, Consumer<JsonNode> interim) {}
