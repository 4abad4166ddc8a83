package dev.portcullis.ingress;

import dev.portcullis.session.Receipt;
import dev.portcullis.session.Sessions;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/**
 * Most runs that may be open: what was about to be accepted, and what the directory counts after that. A
 * session tells the directory of a turn before it answers, so each is counted at least once: in a crowd some
 * may be refused too early, and never is one taken too many.
 */
final class OpenRuns {
  private final int each;
  private final int all;
  private final Map<String, Integer> underway = new HashMap<>();
  private int underwayInAll;

  OpenRuns(int each, int all) {
    this.each = each;
    this.all = all;
  }

  CompletionStage<Receipt> within(
      Sessions sessions, String principal, Supplier<CompletionStage<Receipt>> submit) {
    var ahead = begin(principal);
    return sessions.totals(principal)
        .thenCombine(sessions.totals(), (own, total) ->
            own.open() + ahead.own() <= each && total.open() + ahead.inAll() <= all)
        .thenCompose(fits -> fits
            ? submit.get()
            : CompletableFuture.<Receipt>failedFuture(InputFault.of(Problems.tooManyRuns())))
        .whenComplete((_, _) -> end(principal));
  }

  /** @param own of the same principal, this one included */
  private record Ahead(int own, int inAll) {}

  private synchronized Ahead begin(String principal) {
    return new Ahead(underway.merge(principal, 1, Integer::sum), ++underwayInAll);
  }

  private synchronized void end(String principal) {
    underway.merge(principal, -1, Integer::sum);
    underway.remove(principal, 0);
    underwayInAll--;
  }
}
