package dev.portcullis.harness.http;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A model server on loopback that says, byte by byte, what a test tells it to: one reply per request, in order; the last one
 * repeats. It writes to the socket itself, so that it can break off wherever a real one can.
 */
public final class ScriptedServer implements AutoCloseable {
  /** One request as it came. */
  public record Request(String method, String path, Map<String, String> headers, String body) {}

  /** What is done with one request. */
  @FunctionalInterface
  public interface Reply {
    void to(Request request, Wire wire) throws IOException, InterruptedException;
  }

  /** One connection, from the server's side. */
  public static final class Wire {
    private final Socket socket;
    private final OutputStream out;
    private boolean chunked;

    private Wire(Socket socket) throws IOException {
      this.socket = socket;
      this.out = socket.getOutputStream();
    }

    public Wire head(int status, String... headers) throws IOException {
      var head = new StringBuilder("HTTP/1.1 " + status + " Scripted\r\n");
      for (int i = 0; i < headers.length; i += 2) {
        head.append(headers[i]).append(": ").append(headers[i + 1]).append("\r\n");
      }
      out.write(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
      return this;
    }

    /** Head of a stream of events. */
    public Wire stream(String... headers) throws IOException {
      chunked = true;
      var all = new ArrayList<>(
          List.of("content-type", "text/event-stream; charset=utf-8", "transfer-encoding", "chunked"));
      all.addAll(List.of(headers));
      return head(200, all.toArray(String[]::new));
    }

    public Wire send(String text) throws IOException {
      return send(text.getBytes(StandardCharsets.UTF_8));
    }

    public Wire send(byte[] bytes) throws IOException {
      out.write(chunked ? chunk(bytes) : bytes);
      out.flush();
      return this;
    }

    private static byte[] chunk(byte[] bytes) {
      var size = (Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.ISO_8859_1);
      return ByteBuffer.allocate(size.length + bytes.length + 2)
          .put(size).put(bytes).put((byte) '\r').put((byte) '\n').array();
    }

    /** The end of a stream, as a server that is done says it. */
    public void end() throws IOException {
      out.write("0\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
    }

    /** The connection goes, whatever was said. */
    public void cut() throws IOException {
      socket.close();
    }

    /** Returns when the other side has closed the connection. */
    public void awaitGone() {
      try {
        while (socket.getInputStream().read() >= 0) {
          // Nothing that a client sends now is of interest.
        }
      } catch (IOException reset) {
        // That is a way to go, too.
      }
    }
  }

  private final ServerSocket listener = new ServerSocket(0, 500, InetAddress.getLoopbackAddress());
  private final Queue<Request> requests = new ConcurrentLinkedQueue<>();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final Queue<Reply> replies = new ArrayDeque<>();
  private final AtomicInteger connections = new AtomicInteger();

  private ScriptedServer() throws IOException {
    Thread.ofVirtual().name("scripted-server").start(this::accept);
  }

  /** Serves on a free port until closed. */
  public static ScriptedServer start() {
    try {
      return new ScriptedServer();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A whole recorded stream. */
  public static Reply recorded(String name, String... headers) {
    return (_, wire) -> wire.stream(headers).send(golden(name + ".sse")).end();
  }

  /** A refusal. */
  public static Reply status(int status, String body, String... headers) {
    return (_, wire) -> {
      var all = new ArrayList<>(List.of("content-type", "application/json", "content-length",
          Integer.toString(body.getBytes(StandardCharsets.UTF_8).length)));
      all.addAll(List.of(headers));
      wire.head(status, all.toArray(String[]::new)).send(body);
    };
  }

  /** Bytes of a recorded answer. */
  public static String golden(String file) {
    try {
      return Files.readString(Path.of("src/test/resources/golden/model", file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Replaces what is to come. */
  public ScriptedServer then(Reply... script) {
    synchronized (replies) {
      replies.clear();
      replies.addAll(List.of(script));
    }
    return this;
  }

  public int port() {
    return listener.getLocalPort();
  }

  public String url() {
    return "http://127.0.0.1:" + port();
  }

  /** What it was asked, oldest first. */
  public List<Request> requests() {
    return List.copyOf(requests);
  }

  /** How many connections were made. */
  public int connections() {
    return connections.get();
  }

  private void accept() {
    try {
      while (true) {
        var socket = listener.accept();
        connections.incrementAndGet();
        open.add(socket);
        Thread.ofVirtual().start(() -> serve(socket));
      }
    } catch (IOException closed) {
      // The test is over.
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      socket.setTcpNoDelay(true);
      var in = new BufferedInputStream(socket.getInputStream());
      while (!socket.isClosed()) {
        var request = read(in);
        requests.add(request);
        next().to(request, new Wire(socket));
      }
    } catch (IOException gone) {
      // The client has hung up, or the test is over.
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
    } finally {
      open.remove(socket);
    }
  }

  private Reply next() {
    synchronized (replies) {
      return replies.size() > 1 ? replies.remove() : replies.element();
    }
  }

  private static Request read(InputStream in) throws IOException {
    var first = line(in).split(" ");
    var headers = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
    for (var line = line(in); !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      headers.put(line.substring(0, colon), line.substring(colon + 1).strip());
    }
    var body = in.readNBytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
    return new Request(first[0], first[1], headers, new String(body, StandardCharsets.UTF_8));
  }

  private static String line(InputStream in) throws IOException {
    var line = new StringBuilder();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        throw new IOException("the client has hung up");
      }
      line.append((char) next);
    }
    return line.toString().stripTrailing();
  }

  @Override
  public void close() {
    try {
      listener.close();
      for (var socket : open) {
        socket.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
