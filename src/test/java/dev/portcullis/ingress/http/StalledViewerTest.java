package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.ingress.IngressRig;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Usage;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A viewer whose socket nobody reads. What is counted is what was taken out of the run for it. */
class StalledViewerTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final int EVENTS = 2_000;
  private static final int EVENT_CHARS = 16_000;
  /** Twice the send buffer, as the kernel counts, the viewer's own, and what is on its way between stages. */
  private static final long KEPT_BYTES = 4 << 20;

  @TempDir Path data;

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  /** Asks, and reads nothing. */
  private static Socket stalled(IngressRig rig, String path) throws IOException {
    var socket = new Socket();
    socket.setReceiveBufferSize(8 << 10);
    socket.connect(new InetSocketAddress("127.0.0.1", rig.ingress.address().getPort()));
    socket.getOutputStream().write(("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
        + rig.token.reveal() + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
    return socket;
  }

  private static void await(java.util.function.BooleanSupplier condition) {
    long until = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < until, "not in time");
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  @Test
  @Tag("W-1")
  @Tag("W-2")
  @Tag("SEC-51")
  void aViewerThatDoesNotReadCostsItsBufferAndIsCutOff() throws IOException {
    var text = "x".repeat(EVENT_CHARS);
    try (var rig = new IngressRig(KIT.system(), data.resolve("d"), Duration.ofMillis(200))) {
      rig.sessions.script(Stream.of(
              Stream.of(new RunEvent.Started(1, "echo")),
              IntStream.range(0, EVENTS).mapToObj(_ -> new RunEvent.Text(1, text)),
              Stream.of(new RunEvent.Completed("end_turn", Usage.NONE)))
          .flatMap(events -> events)
          .toArray(RunEvent.Body[]::new));
      rig.post("/api/v1/sessions/foo/runs", "{\"message\":\"hi\"}");
      try (var socket = stalled(rig, "/api/v1/runs/run-1/events")) {
        await(() -> rig.sessions.left.get() == 1);
        long taken = rig.sessions.handed.get();
        assertTrue(socket.isConnected() && taken > 2, "it was served at all");
        assertTrue(taken * EVENT_CHARS < KEPT_BYTES, () -> taken + " of " + EVENTS + " events were taken for it");
        System.out.println("StalledViewerTest events=" + EVENTS + " taken=" + taken);
      }
      // Another one, that reads, has all of it.
      rig.sessions.handed.set(0);
      assertTrue(rig.send(rig.request("/api/v1/runs/run-1/events").GET()).body().contains("event: completed"));
      assertEquals(EVENTS + 3, rig.sessions.handed.get());
    }
  }
}
