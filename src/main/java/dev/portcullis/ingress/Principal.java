package dev.portcullis.ingress;

import java.util.Set;
import java.util.stream.Collectors;

/**
 * Somebody who has shown a token. No scope means nothing is allowed.
 *
 * @param all whether it was given sight of the sessions of others
 * @param epoch of the credential that was shown; {@link Credentials} gives another to whatever changes
 */
public record Principal(String name, Set<Scope> scopes, boolean all, long epoch) {
  private static final long NO_CREDENTIAL = 0;

  public Principal {
    scopes = Set.copyOf(scopes);
  }

  /** One that no credential stands for, with sight of its own sessions only. */
  public Principal(String name, Set<Scope> scopes) {
    this(name, scopes, false, NO_CREDENTIAL);
  }

  /** The one decision about what is allowed; every transport asks it before it does anything. */
  public boolean authorize(Operation operation) {
    return holds(operation.scope());
  }

  /** Whether the sessions of others are there for it. */
  public boolean seesAll() {
    return all || scopes.contains(Scope.ADMIN);
  }

  /** The same credential with those of {@code wanted} that it holds: asking can only take away (SEC-14). */
  public Principal narrowedTo(Set<Scope> wanted) {
    return new Principal(
        name, wanted.stream().filter(this::holds).collect(Collectors.toUnmodifiableSet()), all, epoch);
  }

  /** Whether a credential with these rights is no more than this one. */
  public boolean covers(Set<Scope> wanted, boolean everything) {
    return wanted.stream().allMatch(this::holds) && (!everything || seesAll());
  }

  /** Whether one of its scopes is, or includes, {@code wanted}. */
  public boolean holds(Scope wanted) {
    return scopes.stream().anyMatch(scope -> scope.includes(wanted));
  }
}
