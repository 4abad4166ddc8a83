package dev.portcullis.ingress.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Json;
import java.time.Duration;
import java.util.Map;
import org.apache.pekko.NotUsed;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpCharsets;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.stream.BackpressureTimeoutException;
import org.apache.pekko.stream.KillSwitches;
import org.apache.pekko.stream.SharedKillSwitch;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/** Server-sent events: their bytes, their keep-alive, and one switch that ends them all. */
public final class Sse {
  private static final ContentType TYPE = ContentTypes.create(
      MediaTypes.customWithOpenCharset("text", "event-stream", Map.of(), false), HttpCharsets.UTF_8);
  private static final ByteString PING = ByteString.fromString(": ping\n\n");
  private static final ByteString DRAINING =
      ByteString.fromString(": gateway draining; reattach with Last-Event-ID\n\n");

  private final Duration keepAlive;
  private final SharedKillSwitch open = KillSwitches.shared("streams");
  private volatile boolean closed;

  public Sse(Duration keepAlive) {
    this.keepAlive = keepAlive;
  }

  /** Ends every open stream, each in its own orderly way, and every later one at once. */
  public void close() {
    closed = true;
    open.shutdown();
  }

  /** Whether {@link #close} was called. */
  public boolean closed() {
    return closed;
  }

  /** A source that ends when the streams are closed. */
  public <T> Source<T, NotUsed> closable(Source<T, NotUsed> source) {
    return source.via(open.flow());
  }

  /**
   * 200 with a body that ends as soon as {@code frames} do. Who takes nothing of it for two keep-alives is
   * cut off: nothing waits for such a viewer, but a connection is a connection. It loses nothing by that.
   */
  public HttpResponse response(Source<ByteString, NotUsed> frames) {
    return HttpResponse.create()
        .addHeader(RawHeader.create("Cache-Control", "no-store"))
        .addHeader(RawHeader.create("X-Accel-Buffering", "no"))
        .withEntity(HttpEntities.createChunked(TYPE, frames
            .keepAlive(keepAlive, () -> PING)
            .backpressureTimeout(keepAlive.multipliedBy(2))
            .mapError(BackpressureTimeoutException.class, _ -> new Stalled())));
  }

  /** A stream of our own API: cut off without an end, its last word is a comment that says how to go on. */
  public HttpResponse resumable(Source<ByteString, NotUsed> frames) {
    var lastWord = Source.lazySource(() -> closed ? Source.single(DRAINING) : Source.<ByteString>empty());
    return response(closable(frames)
        .concatLazy(lastWord));
  }

  /** As OpenAI clients read it: data only. */
  public static ByteString data(String text) {
    return ByteString.fromString("data: " + text + "\n\n");
  }

  public static ByteString event(String type, JsonNode data) {
    return ByteString.fromString("event: " + type + "\n").concat(data(Json.text(data)));
  }

  /** @param id where a viewer that has seen it goes on, by {@code Last-Event-ID} */
  public static ByteString event(String id, String type, JsonNode data) {
    return ByteString.fromString("id: " + id + "\n").concat(event(type, data));
  }

  /** What our own streams say when what follows is not what the viewer has asked to go on with. */
  public static ByteString resync(String reason, ObjectNode data) {
    return event("resync", data.put("reason", reason));
  }

  /** Ends the connection of a viewer that does not read. */
  private static final class Stalled extends RuntimeException {
    Stalled() {
      super("the viewer does not read", null, false, false); // The viewer's affair: no trace of ours.
    }
  }
}
