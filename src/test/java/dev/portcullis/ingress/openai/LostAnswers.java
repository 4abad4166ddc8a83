package dev.portcullis.ingress.openai;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A way to the gateway on which the answers of the first connections are lost as they come. */
final class LostAnswers implements AutoCloseable {
  private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final int gateway;
  private final int lost;

  LostAnswers(int gateway, int lost) throws IOException {
    this.gateway = gateway;
    this.lost = lost;
    threads.execute(this::accept);
  }

  String url() {
    return "http://127.0.0.1:" + server.getLocalPort() + "/v1";
  }

  private void accept() {
    try {
      for (int n = 0;; n++) {
        var client = server.accept();
        var upstream = new Socket(InetAddress.getLoopbackAddress(), gateway);
        sockets.addAll(List.of(client, upstream));
        boolean loses = n < lost;
        threads.execute(() -> pipe(client, upstream, false));
        threads.execute(() -> pipe(upstream, client, loses));
      }
    } catch (IOException closed) {
      return;
    }
  }

  private static void pipe(Socket from, Socket to, boolean loses) {
    var buffer = new byte[8_192];
    try (from; to) {
      for (int n = from.getInputStream().read(buffer); n >= 0 && !loses; n = from.getInputStream().read(buffer)) {
        to.getOutputStream().write(buffer, 0, n);
      }
    } catch (IOException over) {
      return;
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (var socket : new ArrayList<>(sockets)) {
      socket.close();
    }
    threads.shutdown();
  }
}
