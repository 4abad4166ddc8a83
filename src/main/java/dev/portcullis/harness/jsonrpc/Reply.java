package dev.portcullis.harness.jsonrpc;

import com.fasterxml.jackson.databind.JsonNode;

/** What a peer answered to a request. */
public sealed interface Reply {
  record Result(JsonNode value) implements Reply {}

  /** @param data what the peer adds; a missing node when it adds nothing */
  record Error(int code, String message, JsonNode data) implements Reply {}
}
