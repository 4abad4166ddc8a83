package dev.portcullis.ingress;

import dev.portcullis.config.GatewayConfig;
import java.time.Clock;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who comes in, and what for: the same for every transport. Each method refuses with an {@link InputFault}.
 * Thread-safe, never blocks.
 */
public final class Admission {
  private static final Logger LOG = LoggerFactory.getLogger(Admission.class);

  private final Credentials credentials;
  private final Failures failures;
  private final Budgets budgets;
  private final OpenRuns openRuns;

  public Admission(Credentials credentials, GatewayConfig.Limits limits, Clock clock) {
    this.credentials = credentials;
    this.failures = new Failures(limits.failures(), limits.failureWindow(), clock);
    this.budgets = new Budgets(limits.requests(), clock);
    this.openRuns = new OpenRuns(limits.openRuns(), limits.openRunsInAll());
  }

  /**
   * Whose token this is. A missing one is no guess and counts as nothing.
   *
   * @param client whom failures are counted for, an address or a network
   * @param token as it was shown, empty when there was none
   */
  public Principal authenticate(String client, Optional<String> token) {
    var found = token.flatMap(credentials::find);
    failures.wait(client, found).ifPresent(seconds -> {
      throw InputFault.of(Problems.tooManyFailures(seconds));
    });
    if (found.isPresent()) {
      failures.succeeded(client, found.get());
    } else if (token.isPresent() && failures.failed(client)) {
      LOG.warn("ingress.too_many_failures client={}", client);
    }
    return found.orElseThrow(() -> InputFault.of(Problems.unauthorized()));
  }

  /** Whether it may, by the one table. */
  public void authorize(Principal principal, Operation operation) {
    if (!principal.authorize(operation)) {
      LOG.warn("ingress.forbidden principal={} operation={}", principal.name(), operation);
      throw InputFault.of(Problems.insufficientScope(operation));
    }
  }

  /** What keeps anybody from having too many runs open. */
  OpenRuns openRuns() {
    return openRuns;
  }

  /** Counts a request; what is left is for the asker to know. */
  public Budgets.Left spend(Principal principal) {
    var left = budgets.spend(principal.name());
    if (left.exceeded()) {
      throw InputFault.of(Problems.tooManyRequests(left.resetSeconds()));
    }
    return left;
  }
}
