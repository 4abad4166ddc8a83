package dev.portcullis.harness.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** One request and its answer, which any thread may cut: the server sees the connection go. */
final class Exchange {
  private final CompletableFuture<HttpResponse<InputStream>> answer;

  Exchange(HttpClient http, HttpRequest request) {
    this.answer = http.sendAsync(request, HttpResponse.BodyHandlers.ofInputStream());
  }

  /**
   * Waits for status and headers.
   *
   * @throws IOException when there is no answer, or the exchange was cut
   */
  HttpResponse<InputStream> await() throws IOException, InterruptedException {
    try {
      return answer.get();
    } catch (CancellationException cut) {
      throw new IOException("the call was cut off", cut);
    } catch (ExecutionException failed) {
      if (failed.getCause() instanceof IOException io) {
        throw io;
      }
      if (failed.getCause() instanceof CancellationException cut) { // The JDK reports it in both ways.
        throw new IOException("the call was cut off", cut);
      }
      throw new IllegalStateException(failed.getCause());
    }
  }

  /** Whoever waits or reads gets an {@link IOException}. Repeatable; does nothing once all was read. */
  void cut() {
    if (!answer.cancel(true)) {
      answer.thenAccept(response -> close(response.body()));
    }
  }

  private static void close(InputStream body) {
    try {
      body.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // The JDK's stream has nothing to flush.
    }
  }
}
