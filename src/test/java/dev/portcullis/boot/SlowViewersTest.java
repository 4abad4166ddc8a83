package dev.portcullis.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Viewers of a whole gateway that read late, or not at all, or come back after a restart. */
class SlowViewersTest {
  private static final int VIEWERS = 100;
  private static final String LONG = "[[echo words=15000]] " + "word".repeat(50);

  @TempDir Path data;

  private static Socket stalled(WholeGateway gateway, String path) {
    try {
      var socket = new Socket();
      socket.setReceiveBufferSize(4 << 10);
      socket.setSoTimeout(30_000);
      socket.connect(new InetSocketAddress(gateway.base().getHost(), gateway.base().getPort()));
      socket.getOutputStream().write(("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
          + gateway.token() + "\r\nConnection: close\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
      return socket;
    } catch (IOException broken) {
      throw new AssertionError(broken);
    }
  }

  /** Numbers of the run's events, as far as the connection gives them. */
  private static List<Long> numbers(Socket socket) throws IOException {
    var numbers = new ArrayList<Long>();
    // Closes the socket too.
    try (var lines = new BufferedReader(
        new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1))) {
      for (var line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("id: ")) {
          numbers.add(Long.parseLong(line.substring(4)));
        }
      }
    } catch (SocketException reset) {
      assertFalse(numbers.size() > 1_000_000, reset::toString); // What came before it counts.
    }
    return numbers;
  }

  /** Whether the gateway's end of the connection stands, as the kernel has it: local, remote, state 1. */
  private static boolean connected(WholeGateway gateway, Socket viewer) {
    return Stream.of("/proc/net/tcp", "/proc/net/tcp6")
        .map(Path::of)
        .filter(Files::exists)
        .flatMap(file -> {
          try {
            return Files.readAllLines(file).stream();
          } catch (IOException broken) {
            throw new AssertionError(broken);
          }
        })
        .map(line -> line.strip().split("\\s+"))
        .anyMatch(words -> words[1].endsWith(String.format(":%04X", gateway.base().getPort()))
            && words[2].endsWith(String.format(":%04X", viewer.getLocalPort())) && words[3].equals("01"));
  }

  private static List<Long> upTo(long last) {
    return LongStream.rangeClosed(1, last).boxed().toList();
  }

  @Test
  @Tag("W-1")
  @Tag("INV-A5")
  void aRunEndsWhileAHundredViewersDoNotReadAndEachReadsItWholeLater() throws IOException {
    try (var gateway = new WholeGateway(data.resolve("d"),
        Map.of("portcullis.http.keep-alive", "60s", "portcullis.http.viewer-bytes", "16KiB",
            "portcullis.run.text-interval", "20ms"))) {
      var run = gateway.submit("s", LONG);
      var viewers = new ArrayList<Socket>();
      for (int i = 0; i < VIEWERS; i++) {
        viewers.add(stalled(gateway, "/api/v1/runs/" + run + "/events"));
      }
      var view = gateway.get("/api/v1/runs/" + run + "?wait=60s");
      assertEquals("completed", view.path("status").asText());
      // Others are served meanwhile.
      assertEquals("completed", gateway.get(
          "/api/v1/runs/" + gateway.submit("other", "hello") + "?wait=30s").path("status").asText());
      assertEquals(upTo(view.path("lastSeq").asLong()), numbers(viewers.getFirst()));
      assertEquals(upTo(view.path("lastSeq").asLong()), numbers(viewers.getLast()));
      for (var viewer : viewers) {
        viewer.close();
      }
    }
  }

  @Test
  @Tag("W-2")
  @Tag("INV-A5")
  void aViewerThatWasCutOffGoesOnWhereItWasAndMissesNothing() throws IOException {
    try (var gateway = new WholeGateway(data.resolve("d"),
        Map.of("portcullis.http.keep-alive", "100ms", "portcullis.http.viewer-bytes", "16KiB",
            "portcullis.run.text-interval", "1ms"))) {
      // Many events: a few large ones would be on their way to the connection before it stands still.
      var run = gateway.submit("s", "[[echo words=4000 gap=1ms]] " + "word".repeat(50));
      var path = "/api/v1/runs/" + run + "/events";
      var viewer = stalled(gateway, path);
      var view = gateway.get("/api/v1/runs/" + run + "?wait=60s");
      var last = view.path("lastSeq").asLong();
      WholeGateway.await(() -> !connected(gateway, viewer));
      var seen = new ArrayList<>(numbers(viewer));
      assertTrue(seen.size() < last, "it was not cut off");
      seen.addAll(numbers(stalled(gateway, path + "?after=" + (seen.isEmpty() ? 0 : seen.getLast()))));
      assertEquals(upTo(last), seen);
    }
  }

  @Test
  @Tag("INV-A5")
  void aStreamGoesOnAfterARestartWhereItWas() {
    var events = new ArrayList<WholeGateway.Frame>();
    var rows = new HashMap<String, String>();
    String run;
    try (var gateway = new WholeGateway(data.resolve("d"), Map.of())) {
      run = gateway.submit("s", "[[echo words=10]] hello");
      gateway.get("/api/v1/runs/" + run + "?wait=30s");
      try (var frames = gateway.frames("/api/v1/runs/" + run + "/events", Optional.empty())) {
        frames.limit(3).forEach(events::add);
      }
      try (var frames = gateway.frames("/api/v1/sessions/events", Optional.empty())) {
        var each = frames.iterator();
        var frame = each.next();
        for (; !frame.event().equals("snapshot.end"); frame = each.next()) {
          rows.put(frame.event(), frame.data().toString());
        }
        rows.put("id", frame.id());
      }
    }
    try (var gateway = new WholeGateway(data.resolve("d"), Map.of())) {
      try (var frames = gateway.frames("/api/v1/runs/" + run + "/events", Optional.of(events.getLast().id()))) {
        frames.forEach(events::add);
      }
      assertEquals(upTo(gateway.get("/api/v1/runs/" + run).path("lastSeq").asLong()),
          events.stream().map(frame -> Long.parseLong(frame.id())).toList());
      // Numbers of changes are those of one life; who comes with an old one is told that it begins anew.
      try (var frames = gateway.frames("/api/v1/sessions/events", Optional.of(rows.get("id")))) {
        var first = frames.limit(2).toList();
        assertTrue(first.getFirst().data().path("full").asBoolean());
        assertEquals(rows.get("row"), first.getLast().data().toString());
      }
    }
  }
}
