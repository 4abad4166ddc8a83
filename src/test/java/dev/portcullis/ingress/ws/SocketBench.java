package dev.portcullis.ingress.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.ingress.Json;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What do sockets cost that say nothing, and how long does an event take to reach all of them? Clients and
 * gateway are one process, so the figures hold the clients' side too.
 */
@Tag("bench")
class SocketBench {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final int SOCKETS = Integer.getInteger("bench.sockets", 8_000);
  private static final int EVENTS = 20;

  @TempDir Path data;

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  @Test
  void idleSockets() throws Exception {
    var open = new ArrayList<SocketChannel>();
    try (var rig = new WsRig(KIT.system(), data.resolve("d"), "portcullis.sockets.most = 20000",
        "portcullis.sockets.tick = 30s")) {
      for (int i = 0; i < 200; i++) { // Warm, and not counted.
        login(rig).close();
      }
      long before = heap();
      long began = System.nanoTime();
      for (int i = 0; i < SOCKETS; i++) {
        open.add(login(rig));
      }
      long opened = System.nanoTime() - began;
      long after = heap();
      System.out.printf("sockets.idle count=%d heap_per_socket_bytes=%d login_per_s=%d threads=%d%n",
          SOCKETS, (after - before) / SOCKETS, SOCKETS * 1_000_000_000L / opened,
          ManagementFactory.getThreadMXBean().getThreadCount());
      idle();
      fanOut(rig, open);
    } finally {
      for (var channel : open) {
        channel.close();
      }
    }
  }

  /** What the process uses while nobody says anything; short, for these clients answer no ping. */
  private static void idle() throws InterruptedException {
    var process = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long cpu = process.getProcessCpuTime();
    Thread.sleep(Duration.ofSeconds(10));
    System.out.printf("sockets.idle cpu_ms_per_s=%d%n", (process.getProcessCpuTime() - cpu) / 10_000_000);
  }

  private static void fanOut(WsRig rig, List<SocketChannel> open) throws Exception {
    var buffer = ByteBuffer.allocate(64 << 10);
    for (var channel : open) { // Ticks and health that came meanwhile.
      channel.configureBlocking(false);
      while (channel.read(buffer.clear()) > 0) {}
    }
    var text = "e".repeat(1_000);
    long began = System.nanoTime();
    for (int i = 0; i < EVENTS; i++) {
      rig.note(text, false);
    }
    long told = System.nanoTime() - began;
    long received = 0;
    for (var channel : open) {
      // Head of the frame and one digit of its number each: what may be left is a few digits.
      long expected = EVENTS * (4L + ENVELOPE + text.length() + 1);
      for (long got = 0; got < expected; got += read(channel, buffer.clear())) {
        assertTrue(System.nanoTime() - began < 60_000_000_000L, "not all has come");
      }
      received++;
    }
    long all = System.nanoTime() - began;
    assertEquals(open.size(), received);
    System.out.printf("sockets.fan_out events=%d announce_us_per_event=%d delivered_per_s=%d%n",
        EVENTS, told / 1_000 / EVENTS, EVENTS * (long) open.size() * 1_000_000_000L / all);
  }

  private static final int ENVELOPE =
      "{\"type\":\"event\",\"event\":\"test.note\",\"payload\":{\"text\":\"\"},\"seq\":}".length();

  private static int read(SocketChannel channel, ByteBuffer into) throws IOException {
    int read = channel.read(into);
    assertTrue(read >= 0, "closed");
    return read;
  }

  private static SocketChannel login(WsRig rig) throws IOException {
    var channel = SocketChannel.open();
    channel.setOption(StandardSocketOptions.SO_RCVBUF, 32 << 10);
    channel.connect(new InetSocketAddress("127.0.0.1", rig.port()));
    write(channel, ("GET / HTTP/1.1\r\nHost: 127.0.0.1:" + rig.port() + "\r\nConnection: Upgrade\r\n"
        + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        + "Authorization: Bearer " + rig.token.reveal() + "\r\n\r\n").getBytes(StandardCharsets.UTF_8));
    readUntil(channel, "connect.challenge");
    var connect = ("{\"type\":\"req\",\"id\":\"c\",\"method\":\"connect\",\"params\":"
        + Json.text(WsClient.connect(rig.token.reveal(), "operator.read")) + "}")
        .getBytes(StandardCharsets.UTF_8);
    var frame = ByteBuffer.allocate(connect.length + 8);
    frame.put((byte) 0x81).put((byte) (0x80 | 126)).putShort((short) connect.length).putInt(0).put(connect);
    write(channel, frame.array());
    readUntil(channel, "tickIntervalMs");
    return channel;
  }

  private static void write(SocketChannel channel, byte[] bytes) throws IOException {
    var buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  private static void readUntil(SocketChannel channel, String text) throws IOException {
    var buffer = ByteBuffer.allocate(8 << 10);
    while (!new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8).contains(text)) {
      if (channel.read(buffer) < 0) {
        throw new IOException("closed: " + new String(buffer.array(), StandardCharsets.UTF_8));
      }
    }
  }

  private static long heap() throws InterruptedException {
    for (int i = 0; i < 4; i++) {
      System.gc();
      Thread.sleep(Duration.ofMillis(250));
    }
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }
}
