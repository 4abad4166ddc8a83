package dev.portcullis.harness.http;

import dev.portcullis.harness.HarnessFault;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Server-sent events out of bytes. Lines end with LF, CR LF or CR; comments and fields we have no use for are
 * passed over. Lines are decoded whole, so a character may come in pieces. Source: HTML standard, section
 * 9.2. Belongs to one thread.
 */
final class SseReader {
  /** Longest event. Some servers repeat the whole answer in the last one. */
  static final int EVENT_BYTES_MAX = 8 << 20;

  private final InputStream in;
  private final Runnable beforeWaiting;
  private final byte[] buffer = new byte[8 << 10];
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();
  private final StringBuilder data = new StringBuilder();
  private String name = "";
  private boolean hasData;
  private int at;
  private int filled;
  private boolean afterReturn;
  private boolean begun;

  /** @param beforeWaiting called whenever everything that has come is read, and more may take its time */
  SseReader(InputStream in, Runnable beforeWaiting) {
    this.in = in;
    this.beforeWaiting = beforeWaiting;
  }

  /**
   * The next event; empty at the end of the stream. What a stream says in a line that it does not end is
   * dropped, for it may be half; an event without the blank line after it counts.
   *
   * @throws HarnessFault {@code MALFORMED} when an event is longer than {@link #EVENT_BYTES_MAX}
   */
  Optional<ServerSentEvent> next() throws IOException {
    for (var text = line(); text.isPresent(); text = line()) {
      if (text.get().isEmpty()) {
        var event = event();
        if (event.isPresent()) {
          return event;
        }
      } else {
        field(text.get());
      }
    }
    return event();
  }

  private Optional<ServerSentEvent> event() {
    var event = Optional.of(new ServerSentEvent(name, data.toString())).filter(_ -> hasData);
    name = "";
    data.setLength(0);
    hasData = false;
    return event;
  }

  private void field(String text) {
    int colon = text.indexOf(':');
    var field = colon < 0 ? text : text.substring(0, colon);
    var rest = colon < 0 ? "" : text.substring(colon + 1);
    var value = rest.startsWith(" ") ? rest.substring(1) : rest;
    switch (field) {
      case "event" -> name = value;
      case "data" -> {
        if (hasData) {
          data.append('\n');
        }
        data.append(value);
        hasData = true;
        bound(data.length());
      }
      case String _ -> { } // A comment (no name before the colon), an id, a retry, or something newer.
    }
  }

  private Optional<String> line() throws IOException {
    line.reset();
    while (fill()) {
      if (afterReturn) {
        afterReturn = false;
        if (buffer[at] == '\n') { // The second half of CR LF.
          at++;
          continue;
        }
      }
      int end = at;
      while (end < filled && buffer[end] != '\n' && buffer[end] != '\r') {
        end++;
      }
      line.write(buffer, at, end - at);
      bound(line.size());
      at = end;
      if (end < filled) {
        afterReturn = buffer[end] == '\r';
        at++;
        return Optional.of(text());
      }
    }
    return Optional.empty();
  }

  private boolean fill() throws IOException {
    while (at == filled) {
      if (in.available() == 0) {
        beforeWaiting.run();
      }
      int read = in.read(buffer, 0, buffer.length);
      if (read < 0) {
        return false;
      }
      at = 0;
      filled = read;
    }
    return true;
  }

  private String text() {
    var text = line.toString(StandardCharsets.UTF_8);
    var first = !begun;
    begun = true;
    return first && text.startsWith("\uFEFF") ? text.substring(1) : text;
  }

  private static void bound(int length) {
    if (length > EVENT_BYTES_MAX) {
      throw HarnessFault.malformed("event", "at most " + EVENT_BYTES_MAX + " bytes");
    }
  }
}
