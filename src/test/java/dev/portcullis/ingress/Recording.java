package dev.portcullis.ingress;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.NotUsed;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.javadsl.Source;

/** A list that grows, read by any number of viewers from wherever they like. */
final class Recording<E> {
  private final List<E> entries = new ArrayList<>();
  private CompletableFuture<Void> grown = new CompletableFuture<>();
  private boolean complete;

  synchronized void add(E entry, boolean last) {
    entries.add(entry);
    complete = last;
    var waiting = grown;
    grown = new CompletableFuture<>();
    waiting.complete(null);
  }

  synchronized List<E> all() {
    return List.copyOf(entries);
  }

  /** Entry {@code n}, or empty when there will never be one. */
  synchronized CompletionStage<Optional<Pair<Long, E>>> at(long n) {
    if (n < entries.size()) {
      return CompletableFuture.completedFuture(Optional.of(Pair.create(n + 1, entries.get((int) n))));
    }
    return complete ? CompletableFuture.completedFuture(Optional.empty()) : grown.thenCompose(_ -> at(n));
  }

  Source<E, NotUsed> from(long n) {
    return Source.unfoldAsync(n, this::at);
  }
}
