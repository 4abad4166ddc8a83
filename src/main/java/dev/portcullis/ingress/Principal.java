package dev.portcullis.ingress;

import java.util.Set;

/** Somebody who has shown a token. No scope means nothing is allowed. */
public record Principal(String name, Set<Scope> scopes) {
  public Principal {
    scopes = Set.copyOf(scopes);
  }

  /** The one decision about what is allowed; every transport asks it before it does anything. */
  public boolean authorize(Operation operation) {
    return holds(operation.scope());
  }

  /** Whether one of its scopes is, or includes, {@code wanted}. */
  public boolean holds(Scope wanted) {
    return scopes.stream().anyMatch(scope -> scope.includes(wanted));
  }
}
