package dev.portcullis.ingress;

import java.util.Set;

/** Somebody who has shown a token. No scope means nothing is allowed. */
public record Principal(String name, Set<Scope> scopes) {
  public Principal {
    scopes = Set.copyOf(scopes);
  }

  /** The one decision about what is allowed; every transport asks it before it does anything. */
  public boolean authorize(Operation operation) {
    return scopes.stream().anyMatch(scope -> scope.includes(operation.scope()));
  }
}
