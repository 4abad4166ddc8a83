package dev.portcullis.ingress.ws;

import dev.portcullis.ingress.Digests;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Principal;
import dev.portcullis.ingress.Problem;
import dev.portcullis.ingress.Scope;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides about {@code connect}: who it is, and with what. A secret is always needed; where a socket comes
 * from proves nothing, it only spares a person the click for a device that has shown secret and key. Source:
 * gateway protocol, section 4; docs/adr/0016.
 */
final class Login {
  private static final Logger LOG = LoggerFactory.getLogger(Login.class);
  private static final int PROTOCOL = 4;
  private static final int OLDEST_PROBE = 3;
  private static final int TOO_MANY = 429;
  private static final String BROWSER = "openclaw-control-ui";
  /** Programs that call once or have no place for a key; on this machine their secret is enough. */
  private static final Set<String> WITHOUT_DEVICE = Set.of("cli", "gateway-client", "openclaw-probe");

  /**
   * Where a socket comes from.
   *
   * @param client its address, as budgets count it
   * @param direct whether the other end is on this machine and nobody has forwarded it
   */
  record Remote(String client, boolean direct) {}

  /** The answer to {@code connect}. */
  sealed interface Outcome {
    /** @param stillWelcome whether the same would be let in as the same, looked at again */
    record In(Welcome welcome, BooleanSupplier stillWelcome) implements Outcome {}

    /** @param code the socket is closed with */
    record Out(Failure failure, int code) implements Outcome {}
  }

  /** What one socket says, and where. */
  private record Knock(String connId, String nonce, Remote remote, ConnectRequest request) {
    ConnectRequest.DeviceProof device() {
      return request.device().getFirst();
    }
  }

  /**
   * Whom a secret belongs to.
   *
   * @param method token, password or device-token
   */
  private record Known(Principal principal, String method, BooleanSupplier still) {}

  private final Edge edge;
  private final Pairing pairing;

  Login(Edge edge, Pairing pairing) {
    this.edge = edge;
    this.pairing = pairing;
  }

  /** @param nonce that the socket was challenged with */
  CompletionStage<Outcome> decide(String connId, String nonce, Remote remote, ConnectRequest request) {
    var knock = new Knock(connId, nonce, remote, request);
    return pairing.devices().loaded().thenCompose(_ -> decide(knock));
  }

  private CompletionStage<Outcome> decide(Knock knock) {
    var request = knock.request();
    int least = request.client().mode().equals("probe") ? OLDEST_PROBE : PROTOCOL;
    if (request.maxProtocol() < least || request.minProtocol() > PROTOCOL) {
      return out(mismatch(request), 1002);
    }
    if (!request.roleOrDefault().equals("operator")) {
      return out(Failure.invalid("invalid role"));
    }
    var unproved = request.device().stream()
        .flatMap(device -> Signatures.refused(request, device, knock.nonce(), edge.clock().millis()).stream())
        .findFirst();
    if (unproved.isPresent()) {
      return out(unproved.get());
    }
    try {
      var known = known(knock);
      if (known.isEmpty()) {
        return unknown(knock);
      }
      return request.device().isEmpty() ? withoutDevice(knock, known.get()) : withDevice(knock, known.get());
    } catch (InputFault tooMany) { // Wrong ones came from there, and it is not known there.
      return out(limited(tooMany.problem()));
    }
  }

  // ---- whose secret it is

  private Optional<Known> known(Knock knock) {
    var secrets = knock.request().secrets();
    return shared(knock, secrets.token(), "token")
        .or(() -> shared(knock, secrets.password(), "password")) // Browsers fill both with the same.
        .or(() -> knock.request().device().stream()
            .flatMap(device -> byDeviceToken(device.id(), secrets.deviceToken()).stream())
            .findFirst());
  }

  private Optional<Known> shared(Knock knock, String secret, String method) {
    if (edge.credentials().find(secret).isEmpty()) {
      return Optional.empty(); // One failure is counted for all that was shown, and later.
    }
    var principal = edge.admission().authenticate(knock.remote().client(), Optional.of(secret));
    return Optional.of(new Known(principal, method, () -> edge.credentials().holds(principal)));
  }

  /** A token of a device is worth nothing without the key of the device, which was looked at before. */
  private Optional<Known> byDeviceToken(String deviceId, String token) {
    return pairing.devices().find(deviceId)
        .filter(device -> !token.isEmpty() && same(device.tokenSha256(), Digests.hex(token)))
        .flatMap(device -> edge.credentials().named(device.principal())
            .map(principal -> new Known(
                principal, "device-token",
                () -> edge.credentials().holds(principal) && pairing.devices().find(deviceId)
                        .filter(now -> same(now.tokenSha256(), device.tokenSha256())).isPresent())));
  }

  private static boolean same(String digest, String other) {
    return MessageDigest.isEqual(
        digest.getBytes(StandardCharsets.UTF_8), other.getBytes(StandardCharsets.UTF_8));
  }

  private CompletionStage<Outcome> unknown(Knock knock) {
    var secrets = knock.request().secrets();
    boolean device = !knock.request().device().isEmpty();
    if (secrets.isEmpty()) {
      return device
          ? out(unauthorized("AUTH_TOKEN_MISSING", "token missing", "update_auth_configuration", false))
          : out(new Failure("NOT_PAIRED", "device identity required",
              Json.object().put("code", "DEVICE_IDENTITY_REQUIRED"), false, 0));
    }
    var refused = refused(knock.remote().client(), secrets.any());
    if (refused.status() == TOO_MANY) {
      return out(limited(refused));
    }
    LOG.warn("socket.unauthorized client={}", knock.remote().client());
    if (!secrets.token().isEmpty()) {
      boolean tokenOnly = device && secrets.deviceToken().isEmpty();
      return out(unauthorized("AUTH_TOKEN_MISMATCH", "token mismatch",
          tokenOnly ? "retry_with_device_token" : "update_auth_credentials", tokenOnly));
    }
    if (!secrets.password().isEmpty()) {
      return out(unauthorized(
          "AUTH_PASSWORD_MISMATCH", "password mismatch", "update_auth_credentials", false));
    }
    return secrets.deviceToken().isEmpty()
        ? out(unauthorized(
            "AUTH_BOOTSTRAP_TOKEN_INVALID", "bootstrap token invalid", "update_auth_credentials", false))
        : out(unauthorized(
            "AUTH_DEVICE_TOKEN_MISMATCH", "device token mismatch", "update_auth_credentials", false));
  }

  /** Counts what was shown as one failure. */
  private Problem refused(String client, String secret) {
    try {
      var principal = edge.admission().authenticate(client, Optional.of(secret));
      throw new IllegalStateException("refused before: " + principal.name());
    } catch (InputFault fault) {
      return fault.problem();
    }
  }

  private static Failure limited(Problem problem) {
    var seconds = Long.parseLong(problem.headers().get("Retry-After"));
    return new Failure(Failure.UNAVAILABLE, problem.message(),
        Json.object().put("code", "AUTH_RATE_LIMITED").put("recommendedNextStep", "wait_then_retry"),
        true, seconds * 1_000);
  }

  private static Failure unauthorized(String detail, String what, String next, boolean withDeviceToken) {
    return new Failure(Failure.INVALID, "unauthorized: gateway " + what,
        Json.object().put("code", detail).put("authReason", what.replace(' ', '_'))
            .put("canRetryWithDeviceToken", withDeviceToken).put("recommendedNextStep", next),
        false, 0);
  }

  // ---- what it may do

  private CompletionStage<Outcome> withoutDevice(Knock knock, Known known) {
    var client = knock.request().client().id();
    if (client.equals(BROWSER)) {
      return out(Failure.invalid("CONTROL_UI_DEVICE_IDENTITY_REQUIRED",
          "this client must show a device identity; use HTTPS or localhost"));
    }
    var scopes = WITHOUT_DEVICE.contains(client) && knock.remote().direct()
        ? narrowed(known.principal(), knock.request().scopes())
        : EnumSet.noneOf(Scope.class);
    return CompletableFuture.completedFuture(in(knock, known, scopes, "", "", 0));
  }

  private CompletionStage<Outcome> withDevice(Knock knock, Known known) {
    var wanted = narrowed(known.principal(), knock.request().scopes());
    var found = pairing.devices().find(knock.device().id());
    var changed = changed(knock, known, wanted, found);
    if (changed.isEmpty()) {
      return paired(knock, known, wanted, found.orElseThrow());
    }
    boolean secret = !known.method().equals("device-token");
    // What was approved before stays so, if it was approved for the same principal.
    var scopes = EnumSet.noneOf(Scope.class);
    scopes.addAll(wanted);
    found.filter(device -> device.principal().equals(known.principal().name()))
        .ifPresent(device -> scopes.addAll(Pairing.covered(device.scopes(), known.principal())));
    var asked = device(knock, known, scopes);
    if (!secret || !knock.remote().direct()) {
      return out(pairingRequired(pairing.request(changed.get(), asked, knock.remote().client()), found));
    }
    return pairing.devices().add(asked).thenCompose(added -> {
      if (added.isEmpty()) {
        return out(new Failure(Failure.UNAVAILABLE, "too many devices are paired; remove some",
            Json.object(), false, 0));
      }
      var kept = added.get();
      LOG.info("device.paired device={} principal={} by=loopback", kept.id(), kept.principal());
      return paired(knock, known, wanted, kept);
    });
  }

  /** Why a device must be approved, again; empty when it need not. */
  private static Optional<String> changed(
      Knock knock, Known known, Set<Scope> wanted, Optional<Device> found) {
    if (found.isEmpty() || !found.get().principal().equals(known.principal().name())) {
      return Optional.of("not-paired");
    }
    var client = knock.request().client();
    var device = found.get();
    if (!device.platform().equals(client.platform()) || !device.family().equals(client.deviceFamily())) {
      return Optional.of("metadata-upgrade");
    }
    return device.covers(wanted) ? Optional.empty() : Optional.of("scope-upgrade");
  }

  private Device device(Knock knock, Known known, Set<Scope> scopes) {
    var client = knock.request().client();
    return new Device(knock.device().id(), knock.device().publicKey(), known.principal().name(), scopes,
        client.id(), client.displayName(), client.platform(), client.deviceFamily(), "", 0,
        edge.clock().millis());
  }

  /** A token is made once; whoever has lost it comes with the secret again, and an operator rotates it. */
  private CompletionStage<Outcome> paired(Knock knock, Known known, Set<Scope> wanted, Device device) {
    if (!device.tokenSha256().isEmpty()) {
      return CompletableFuture.completedFuture(in(knock, known, wanted, device.id(), "", 0));
    }
    return pairing.issue(device.id(), device.scopes()).thenCompose(issued -> issued
        .map(made -> CompletableFuture.<Outcome>completedFuture(in(
            knock, known, wanted, device.id(), made.token(), made.device().issuedAtMs())))
        .orElseGet(() -> out(Failure.busy()).toCompletableFuture())); // It was removed just now.
  }

  private Outcome in(
      Knock knock, Known known, Set<Scope> scopes, String deviceId, String token, long issuedAtMs) {
    var welcome = new Welcome(
        knock.connId(), known.principal().narrowedTo(scopes), knock.request().client(),
        known.method(), deviceId, token, issuedAtMs, edge.clock().millis());
    return new Outcome.In(welcome, () -> known.still().getAsBoolean()
        && (deviceId.isEmpty() || pairing.devices().find(deviceId)
            .filter(device -> device.principal().equals(known.principal().name()) && device.covers(scopes))
            .isPresent()));
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
              .filter(new Principal("", Set.of(wanted))::holds)
              .collect(Collectors.toSet()));
        }
      });
    }
    return granted;
  }

  // ---- refusals

  private static Failure mismatch(ConnectRequest request) {
    var details = Json.object().put("code", "PROTOCOL_MISMATCH")
        .put("clientMinProtocol", request.minProtocol())
        .put("clientMaxProtocol", request.maxProtocol())
        .put("expectedProtocol", PROTOCOL)
        .put("minimumProbeProtocol", OLDEST_PROBE);
    return new Failure(Failure.INVALID, "protocol mismatch", details, false, 0);
  }

  private static Failure pairingRequired(Pairing.Pending asked, Optional<Device> known) {
    var details = Json.object().put("code", "PAIRING_REQUIRED").put("reason", asked.reason())
        .put("requestId", asked.requestId())
        .put("remediationHint", "approve it with device.pair.approve within five minutes")
        .put("recommendedNextStep", "wait_then_retry").put("retryable", false).put("pauseReconnect", true)
        .put("deviceId", asked.wanted().id()).put("requestedRole", "operator");
    Device.words(asked.wanted().scopes()).forEach(details.putArray("requestedScopes")::add);
    var roles = details.putArray("approvedRoles");
    var scopes = details.putArray("approvedScopes");
    known.ifPresent(device -> {
      roles.add("operator");
      Device.words(device.scopes()).forEach(scopes::add);
    });
    return new Failure("NOT_PAIRED", "pairing required", details, false, 0);
  }

  private static CompletionStage<Outcome> out(Failure failure) {
    return out(failure, 1008);
  }

  private static CompletionStage<Outcome> out(Failure failure, int code) {
    return CompletableFuture.completedFuture(new Outcome.Out(failure, code));
  }
}
