package dev.portcullis.ingress.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.portcullis.ingress.Json;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A WebSocket client that can be wrong: frames as they are told, none of its own. */
final class RawSocket implements AutoCloseable {
  /** @param closeCode of a close frame, else 0 */
  record Frame(int opcode, String text, int closeCode) {}

  private static final byte[] MASK = {7, 11, 13, 17};

  private final Socket socket;
  private final DataInputStream in;
  private final OutputStream out;

  private RawSocket(int port) throws IOException {
    socket = new Socket();
    socket.setReceiveBufferSize(8 << 10); // Small, so that what is not read waits at the other side.
    socket.connect(new InetSocketAddress("127.0.0.1", port));
    socket.setSoTimeout(10_000);
    in = new DataInputStream(socket.getInputStream());
    out = socket.getOutputStream();
  }

  /** The head of the answer to an upgrade with these further header lines. */
  static String upgrade(int port, String path, String... headers) throws IOException {
    try (var raw = new RawSocket(port)) {
      return raw.ask(port, path, headers);
    }
  }

  /** Upgraded. */
  static RawSocket open(int port, String... headers) throws IOException {
    var raw = new RawSocket(port);
    var head = raw.ask(port, "/", headers);
    assertEquals("HTTP/1.1 101 Switching Protocols", head.lines().findFirst().orElse(""), head);
    return raw;
  }

  private String ask(int port, String path, String... headers) throws IOException {
    boolean named = Arrays.stream(headers).anyMatch(header -> header.startsWith("Host:"));
    var host = named ? "" : "Host: 127.0.0.1:" + port + "\r\n";
    var more = headers.length == 0 ? "" : String.join("\r\n", headers) + "\r\n";
    out.write(("GET " + path + " HTTP/1.1\r\n" + host + "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + more + "\r\n")
        .getBytes(StandardCharsets.ISO_8859_1));
    var head = new ByteArrayOutputStream();
    while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
      int next = in.read();
      if (next < 0) {
        break;
      }
      head.write(next);
    }
    return head.toString(StandardCharsets.ISO_8859_1);
  }

  /** Logged in with a token, everything read up to the answer. */
  static RawSocket login(int port, String token, String... scopes) throws IOException {
    var raw = open(port);
    raw.read(); // The challenge.
    raw.text("{\"type\":\"req\",\"id\":\"c\",\"method\":\"connect\",\"params\":"
        + Json.text(WsClient.connect(token, scopes)) + "}");
    var hello = raw.read();
    assertEquals(1, hello.opcode(), hello.toString());
    return raw;
  }

  void text(String text) throws IOException {
    frame(0x81, text.getBytes(StandardCharsets.UTF_8));
  }

  /** @param head the first byte of the frame, with its bits */
  void frame(int head, byte[] payload) throws IOException {
    out.write(bytes(head, payload, payload.length));
  }

  /** Many frames at once. */
  void frames(int head, byte[] payload, int times) throws IOException {
    var one = bytes(head, payload, payload.length);
    var all = ByteBuffer.allocate(one.length * times);
    for (int i = 0; i < times; i++) {
      all.put(one);
    }
    out.write(all.array());
  }

  /** A frame that announces more than it brings. */
  void begun(int head, long length, byte[] payload) throws IOException {
    out.write(bytes(head, payload, length));
  }

  void plain(byte[] bytes) throws IOException {
    out.write(bytes);
  }

  private static byte[] bytes(int head, byte[] payload, long length) throws IOException {
    var all = new ByteArrayOutputStream();
    all.write(head);
    if (length < 126) {
      all.write(0x80 | (int) length);
    } else if (length < 1 << 16) {
      all.write(0x80 | 126);
      all.write(ByteBuffer.allocate(2).putShort((short) length).array());
    } else {
      all.write(0x80 | 127);
      all.write(ByteBuffer.allocate(8).putLong(length).array());
    }
    all.write(MASK);
    for (int i = 0; i < payload.length; i++) {
      all.write(payload[i] ^ MASK[i % 4]);
    }
    return all.toByteArray();
  }

  Frame read() throws IOException {
    int opcode = in.readUnsignedByte() & 0xf;
    long length = in.readUnsignedByte() & 0x7f;
    if (length == 126) {
      length = in.readUnsignedShort();
    } else if (length == 127) {
      length = in.readLong();
    }
    var payload = in.readNBytes((int) length);
    if (opcode == 8) {
      var code = payload.length < 2 ? 0 : ByteBuffer.wrap(payload).getShort() & 0xffff;
      return new Frame(opcode, new String(payload, Math.min(2, payload.length), Math.max(0, payload.length - 2),
          StandardCharsets.UTF_8), code);
    }
    return new Frame(opcode, new String(payload, StandardCharsets.UTF_8), 0);
  }

  /** What the socket is closed with, whatever comes before it. */
  Frame closed() throws IOException {
    while (true) {
      var frame = read();
      if (frame.opcode() == 8) {
        return frame;
      }
    }
  }

  /** Whether the server ends the connection by itself, whatever comes before. */
  boolean ends() throws IOException {
    try {
      while (true) {
        read();
      }
    } catch (EOFException end) {
      return true;
    } catch (SocketException reset) {
      return true;
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
