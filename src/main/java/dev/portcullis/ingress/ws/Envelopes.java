package dev.portcullis.ingress.ws;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Problems;
import java.util.Set;
import org.apache.pekko.util.ByteString;

/** The three envelopes of the protocol. Pure. Source: gateway protocol, version 4. */
final class Envelopes {
  private static final Set<String> REQUEST =
      Set.of("type", "id", "method", "params", "traceparent", "expectedProfileId");
  private static final int ID_MAX = 256;
  private static final int NAME_MAX = 128;
  /** Answers what has no id that could be read. */
  static final String NO_ID = "invalid";

  private Envelopes() {}

  record Request(String id, String method, ObjectNode params) {}

  /**
   * What was asked, or why it cannot be understood.
   *
   * @param id of the request, or {@link #NO_ID}
   */
  sealed interface Read {
    record Understood(Request request) implements Read {}

    record Malformed(String id, Failure failure) implements Read {}
  }

  static Read request(byte[] text) {
    var id = NO_ID;
    try {
      var object = Json.read(text);
      if (object.path("id").isTextual() && fits(object.path("id").textValue(), ID_MAX)) {
        id = object.path("id").textValue();
      }
      return new Read.Understood(request(object));
    } catch (InputFault fault) {
      return new Read.Malformed(id, Failure.invalid(fault.problem().message()));
    }
  }

  private static Request request(ObjectNode object) {
    closed(object, REQUEST);
    var fields = new Fields(object);
    if (!fields.text("type").equals("req")) {
      throw Fields.fault("type", "must be req");
    }
    var id = fields.text("id");
    if (!fits(id, ID_MAX)) {
      throw Fields.fault("id", "must have 1 to " + ID_MAX + " characters");
    }
    var method = fields.text("method");
    if (!fits(method, NAME_MAX)) {
      throw Fields.fault("method", "must have 1 to " + NAME_MAX + " characters");
    }
    fields.optionalText("traceparent");
    fields.optionalText("expectedProfileId");
    return new Request(id, method, fields.nested("params").map(Fields::object).orElseGet(Json::object));
  }

  private static boolean fits(String text, int most) {
    return !text.isEmpty() && text.length() <= most;
  }

  /** @throws InputFault naming a field that is not one of {@code known} */
  static void closed(ObjectNode object, Set<String> known) {
    object.fieldNames().forEachRemaining(name -> {
      if (!known.contains(name)) {
        var shown = name.length() > NAME_MAX ? name.substring(0, NAME_MAX) : name;
        throw InputFault.of(Problems.badRequest(shown, "\"" + shown + "\" is not a field of this object."));
      }
    });
  }

  static ByteString done(String id, JsonNode payload) {
    return bytes(response(id, true).set("payload", payload));
  }

  static ByteString refused(String id, Failure failure) {
    return bytes(response(id, false).set("error", failure.json()));
  }

  private static ObjectNode response(String id, boolean ok) {
    return Json.object().put("type", "res").put("id", id).put("ok", ok);
  }

  /** An event that is told to one connection and has no number. */
  static ByteString direct(String event, JsonNode payload) {
    return bytes(Json.object().put("type", "event").put("event", event).set("payload", payload));
  }

  /** An event but for its number, encoded once for all who hear it; {@link #numbered} makes it whole. */
  static ByteString unnumbered(ObjectNode event) {
    var text = Json.bytes(event);
    return ByteString.fromArray(text, 0, text.length - 1);
  }

  static ByteString numbered(ByteString unnumbered, long seq) {
    return unnumbered.concat(ByteString.fromString(",\"seq\":" + seq + "}"));
  }

  private static ByteString bytes(JsonNode node) {
    return ByteString.fromArrayUnsafe(Json.bytes(node));
  }
}
