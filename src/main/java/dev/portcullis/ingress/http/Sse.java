package dev.portcullis.ingress.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.Json;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.session.Sessions;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.NotUsed;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpCharsets;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
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

  /** 200 with a body that ends as soon as {@code frames} do. */
  public HttpResponse response(Source<ByteString, NotUsed> frames) {
    return HttpResponse.create()
        .addHeader(RawHeader.create("Cache-Control", "no-store"))
        .addHeader(RawHeader.create("X-Accel-Buffering", "no"))
        .withEntity(HttpEntities.createChunked(TYPE, frames.keepAlive(keepAlive, () -> PING)));
  }

  /** A stream of our own API: cut off without an end, its last word is a comment that says how to go on. */
  public HttpResponse resumable(Source<ByteString, NotUsed> frames) {
    var lastWord = Source.lazySource(() -> closed ? Source.single(DRAINING) : Source.<ByteString>empty());
    return response(closable(frames)
        .onErrorComplete(Sessions.Lagging.class) // The client reattaches after the last id it saw.
        .concatLazy(lastWord));
  }

  /** As OpenAI clients read it: data only. */
  public static ByteString data(String text) {
    return ByteString.fromString("data: " + text + "\n\n");
  }

  public static ByteString event(String type, JsonNode data) {
    return ByteString.fromString("event: " + type + "\n").concat(data(Json.text(data)));
  }

  public static ByteString event(long id, String type, JsonNode data) {
    return ByteString.fromString("id: " + id + "\n").concat(event(type, data));
  }

  /** A run's events, again from where they stopped whenever the viewer fell behind. */
  public static Source<RunEvent, NotUsed> follow(Sessions sessions, String runId, long after) {
    return Source.lazySource(() -> {
          var seen = new AtomicLong(after);
          return sessions
              .events(runId, after)
              .recoverWithRetries(-1, Sessions.Lagging.class, () -> sessions.events(runId, seen.get()))
              .map(event -> {
                seen.set(event.seq());
                return event;
              });
        })
        .mapMaterializedValue(_ -> NotUsed.getInstance());
  }
}
