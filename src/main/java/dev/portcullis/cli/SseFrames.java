package dev.portcullis.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * Server-sent events out of lines. Comments and unknown fields are skipped. Source: WHATWG HTML, section 9.2.
 */
final class SseFrames implements Iterator<SseFrames.Frame> {
  /** @param id number of the event within its run; 0 when the stream gives none */
  record Frame(long id, String event, JsonNode data) {}

  private final Iterator<String> lines;
  private long id;
  private String event = "";
  private final StringBuilder data = new StringBuilder();

  SseFrames(Iterator<String> lines) {
    this.lines = lines;
  }

  /** Waits for the next whole frame; half a frame at the end of the stream is dropped. */
  @Override
  public boolean hasNext() {
    while (lines.hasNext()) {
      var line = lines.next();
      if (line.isEmpty() && !data.isEmpty()) {
        return true;
      }
      field(line);
    }
    return false;
  }

  /** To be called once after each {@link #hasNext()}. */
  @Override
  public Frame next() {
    if (data.isEmpty()) {
      throw new NoSuchElementException();
    }
    var frame = new Frame(id, event, GatewayClient.parse(data.toString()));
    event = "";
    data.setLength(0);
    return frame;
  }

  private void field(String line) {
    var colon = line.indexOf(':');
    var name = colon < 0 ? line : line.substring(0, colon);
    var value = colon < 0 ? "" : line.substring(colon + 1).replaceFirst("^ ", "");
    switch (name) {
      case "id" -> id = value.matches("\\d{1,18}") ? Long.parseLong(value) : id;
      case "event" -> event = value;
      case "data" -> data.append(data.isEmpty() ? "" : "\n").append(value);
      case String _ -> { } // A comment, or a field of a newer gateway.
    }
  }
}
