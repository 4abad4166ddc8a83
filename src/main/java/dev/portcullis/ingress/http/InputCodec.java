package dev.portcullis.ingress.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.FunctionResult;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Input;
import java.util.List;

/** What turns and answers carry besides text, on the wire. Of images it is told that they were there. */
final class InputCodec {
  private InputCodec() {}

  static void tell(ObjectNode json, Input input) {
    json.set("attachments", attachments(input.images()));
    json.set("toolResults", results(input.results()));
    var tools = json.putArray("tools");
    input.tools().tools().forEach(tool -> tools.add(tool.name()));
  }

  static ArrayNode attachments(List<Image> images) {
    return ApiCodec.array(images, (image, json) ->
        json.put("type", "image").put("mediaType", image.mediaType()).put("bytes", image.bytes()));
  }

  static ArrayNode calls(List<FunctionCall> calls) {
    return ApiCodec.array(calls, (call, json) ->
        json.put("id", call.id()).put("name", call.name()).put("arguments", call.arguments()));
  }

  static ArrayNode results(List<FunctionResult> results) {
    return ApiCodec.array(results, (result, json) ->
        json.put("callId", result.callId()).put("text", result.text()));
  }
}
