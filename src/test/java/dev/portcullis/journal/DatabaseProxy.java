package dev.portcullis.journal;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Stands between a journal and its database and breaks one connection around a COMMIT. The client must not use
 * server-side statements ({@code prepareThreshold=0}), or the word could not be seen.
 */
final class DatabaseProxy implements AutoCloseable {
  /** What happens to the next COMMIT. */
  enum Cut {
    NONE,
    /** It never reaches the server. */
    BEFORE,
    /** It is done, and the answer never reaches the client. */
    ANSWER,
    /** It reaches the server only when the client asks, on another connection, what became of it. */
    LATE
  }

  private static final String COMMIT = "COMMIT\0";
  private static final String QUESTION = "link = link + 1";

  private final ServerSocket listener;
  private final int port;
  private final AtomicReference<Cut> next = new AtomicReference<>(Cut.NONE);
  private final CountDownLatch asked = new CountDownLatch(1);
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();

  DatabaseProxy(int port) throws IOException {
    this.port = port;
    this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  String url() {
    return PostgresServer.url(listener.getLocalPort()) + "?prepareThreshold=0&sslmode=disable";
  }

  void cutNext(Cut cut) {
    next.set(cut);
  }

  /** Whether the cut that was asked for has happened. */
  boolean hasCut() {
    return next.get() == Cut.NONE;
  }

  private void accept() {
    try {
      while (true) {
        var client = listener.accept();
        var server = new Socket(InetAddress.getLoopbackAddress(), port);
        sockets.addAll(List.of(client, server));
        Thread.ofVirtual().start(() -> forward(client, server));
        Thread.ofVirtual().start(() -> back(server, client));
      }
    } catch (IOException closed) {
      // The test is over.
    }
  }

  private void forward(Socket client, Socket server) {
    try (server) {
      var buffer = new byte[1 << 16];
      for (int read = read(client, buffer); read >= 0; read = read(client, buffer)) {
        var text = new String(buffer, 0, read, StandardCharsets.ISO_8859_1);
        if (text.contains(QUESTION)) {
          asked.countDown();
        }
        if (text.contains(COMMIT)) {
          if (next.compareAndSet(Cut.BEFORE, Cut.NONE)) {
            client.close();
            return;
          }
          if (next.compareAndSet(Cut.LATE, Cut.NONE)) {
            client.close();
            asked.await();
          }
        }
        server.getOutputStream().write(buffer, 0, read);
      }
    } catch (IOException | InterruptedException closed) {
      // One side has gone; the other follows.
    }
  }

  private void back(Socket server, Socket client) {
    try (client) {
      var buffer = new byte[1 << 16];
      for (int read = read(server, buffer); read >= 0; read = read(server, buffer)) {
        var text = new String(buffer, 0, read, StandardCharsets.ISO_8859_1);
        if (text.contains(COMMIT) && next.compareAndSet(Cut.ANSWER, Cut.NONE)) {
          return;
        }
        client.getOutputStream().write(buffer, 0, read);
      }
    } catch (IOException closed) {
      // One side has gone; the other follows.
    }
  }

  private static int read(Socket socket, byte[] buffer) throws IOException {
    InputStream in = socket.getInputStream();
    return in.read(buffer);
  }

  /** The database is gone: every connection ends, and no new one is taken. */
  void vanish() throws IOException {
    listener.close();
    for (var socket : sockets) {
      socket.close();
    }
  }

  @Override
  public void close() throws IOException {
    vanish();
  }
}
