package dev.portcullis.ingress.ws;

import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Principal;
import dev.portcullis.ingress.Scope;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;

/** Decides about {@code connect}: who it is, and with what. Source: gateway protocol, section 4. */
final class Login {
  private static final int PROTOCOL = 4;
  private static final int OLDEST_PROBE = 3;

  /**
   * Where a socket comes from.
   *
   * @param client its address, as budgets count it
   * @param direct whether the other end is on this machine and nobody has forwarded it; proves nothing by
   *     itself
   */
  record Remote(String client, boolean direct) {}

  /** The answer to {@code connect}. */
  sealed interface Outcome {
    /** @param secret what was shown, to be looked at again; */
    record In(Welcome welcome, String secret, Principal credential) implements Outcome {
      @Override
      public String toString() {
        return "In[" + welcome + "]";
      }
    }

    /** @param code the socket is closed with */
    record Out(Failure failure, int code) implements Outcome {}
  }

  private final Edge edge;

  Login(Edge edge) {
    this.edge = edge;
  }

  CompletionStage<Outcome> decide(String connId, String nonce, Remote remote, ConnectRequest request) {
    return CompletableFuture.completedFuture(decided(connId, remote, request));
  }

  private Outcome decided(String connId, Remote remote, ConnectRequest request) {
    int least = request.client().mode().equals("probe") ? OLDEST_PROBE : PROTOCOL;
    if (request.maxProtocol() < least || request.minProtocol() > PROTOCOL) {
      return out(mismatch(request), 1002);
    }
    if (!request.role().isEmpty() && !request.role().equals("operator")) {
      return out(Failure.invalid("invalid role"), 1008);
    }
    var secrets = request.secrets();
    for (var secret : List.of(secrets.token(), secrets.password())) {
      var found = edge.credentials().find(secret);
      if (found.isPresent()) {
        var credential = found.get();
        var granted = request.client().id().equals("cli") && remote.direct()
            ? narrowed(credential, request.scopes())
            : Set.<Scope>of();
        return new Outcome.In(
            new Welcome(connId, new Principal(credential.name(), granted), request.client(),
                secret.equals(secrets.token()) ? "token" : "password", "", "", 0, edge.clock().millis()),
            secret, credential);
      }
    }
    return out(Failure.invalid("AUTH_TOKEN_MISMATCH", "unauthorized: gateway token mismatch"), 1008);
  }

  /**
   * What of the scopes that were asked for the credential covers: a request can never widen it, and no scope
   * asked for means none.
   */
  static Set<Scope> narrowed(Principal credential, List<String> asked) {
    var granted = EnumSet.noneOf(Scope.class);
    for (var word : asked) {
      Scope.of(word).ifPresent(wanted -> {
        if (credential.holds(wanted)) {
          granted.add(wanted);
        } else { // Of a scope that includes others, those that the credential has.
          granted.addAll(credential.scopes().stream()
              .filter(held -> new Principal("", Set.of(wanted)).holds(held))
              .collect(Collectors.toSet()));
        }
      });
    }
    return granted;
  }

  private static Failure mismatch(ConnectRequest request) {
    var details = Json.object().put("code", "PROTOCOL_MISMATCH")
        .put("clientMinProtocol", request.minProtocol())
        .put("clientMaxProtocol", request.maxProtocol())
        .put("expectedProtocol", PROTOCOL)
        .put("minimumProbeProtocol", OLDEST_PROBE);
    return new Failure(Failure.INVALID, "protocol mismatch", details, false, 0);
  }

  private static Outcome out(Failure failure, int code) {
    return new Outcome.Out(failure, code);
  }
}
