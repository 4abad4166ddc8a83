package dev.portcullis.ingress.ws;

import dev.portcullis.config.GatewayConfig;
import java.util.HashMap;
import java.util.Map;

/** How many sockets may be open that have not logged in: in all, and of one client. Thread-safe. */
final class Budget {
  private final GatewayConfig.Sockets limits;
  private final Map<String, Integer> byClient = new HashMap<>();
  private int all;

  Budget(GatewayConfig.Sockets limits) {
    this.limits = limits;
  }

  /** False when there is no room for one more of this client. */
  synchronized boolean take(String client) {
    int of = byClient.getOrDefault(client, 0);
    if (all >= limits.pending() || of >= limits.pendingPerClient()) {
      return false;
    }
    all++;
    byClient.put(client, of + 1);
    return true;
  }

  synchronized void giveBack(String client) {
    all--;
    byClient.computeIfPresent(client, (_, of) -> of > 1 ? Integer.valueOf(of - 1) : null);
  }
}
