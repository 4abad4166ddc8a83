package dev.portcullis.ingress;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Wrong credentials, counted per client (SEC-12). Too many, and whatever comes from there has to wait, right
 * or wrong: else guessing would go on. But a credential that has come in from there before goes on, so that
 * nobody can be locked out by a neighbour who guesses.
 */
final class Failures {
  private static final int CLIENTS = 10_000;
  private static final int KNOWN = 100;

  private static final class Client {
    private final Set<Long> known = new HashSet<>();
    private int failures;
    private Instant since = Instant.MIN;
  }

  private final int limit;
  private final Duration window;
  private final Clock clock;
  private final Map<String, Client> clients = new LinkedHashMap<>(16, 0.75f, true) {
    @Override
    protected boolean removeEldestEntry(Map.Entry<String, Client> eldest) {
      return size() > CLIENTS;
    }
  };

  Failures(int limit, Duration window, Clock clock) {
    this.limit = limit;
    this.window = window;
    this.clock = clock;
  }

  /** How many seconds it has to wait before anything is looked at; empty when it has not. */
  synchronized OptionalLong wait(String from, Optional<Principal> shown) {
    var client = clients.get(from);
    if (client == null || client.failures < limit
        || shown.filter(principal -> client.known.contains(principal.epoch())).isPresent()) {
      return OptionalLong.empty();
    }
    var left = Duration.between(clock.instant(), client.since.plus(window));
    return left.isPositive() ? OptionalLong.of(left.plusMillis(999).toSeconds()) : OptionalLong.empty();
  }

  /** Whether this was the one too many. */
  synchronized boolean failed(String from) {
    var client = clients.computeIfAbsent(from, _ -> new Client());
    var now = clock.instant();
    if (client.failures == 0 || !client.since.plus(window).isAfter(now)) {
      client.failures = 0;
      client.since = now;
    }
    client.failures++;
    return client.failures == limit;
  }

  /** Takes nothing from the count: a guesser may have a credential of its own. */
  synchronized void succeeded(String from, Principal principal) {
    var known = clients.computeIfAbsent(from, _ -> new Client()).known;
    if (known.size() < KNOWN) {
      known.add(principal.epoch());
    }
  }
}
