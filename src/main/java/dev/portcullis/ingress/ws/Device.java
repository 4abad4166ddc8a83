package dev.portcullis.ingress.ws;

import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Principal;
import dev.portcullis.ingress.Scope;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * A device that was let in, as the register keeps it. It acts for one principal, and never with more scopes
 * than were approved for it.
 *
 * @param id SHA-256 of its public key, in hex
 * @param principal whose secret it showed when it was paired
 * @param platform as it named itself then, as is {@code family}
 * @param tokenSha256 of the token it may show instead of a secret, in hex; empty when it has none
 * @param issuedAtMs of that token
 */
record Device(
    String id,
    String publicKey,
    String principal,
    Set<Scope> scopes,
    String client,
    String displayName,
    String platform,
    String family,
    String tokenSha256,
    long issuedAtMs,
    long pairedAtMs) {
  Device {
    scopes = Set.copyOf(scopes);
  }

  Device withScopes(Set<Scope> now) {
    return new Device(id, publicKey, principal, now, client, displayName, platform, family, tokenSha256,
        issuedAtMs, pairedAtMs);
  }

  Device withToken(String sha256, long atMs) {
    return new Device(
        id, publicKey, principal, scopes, client, displayName, platform, family, sha256, atMs, pairedAtMs);
  }

  /**
   * What becomes of {@code earlier} when this is let in: of the same principal, whatever was approved before
   * stays so, and its token stays good.
   */
  Device succeeding(Device earlier) {
    if (!earlier.principal().equals(principal)) {
      return this;
    }
    var both = EnumSet.noneOf(Scope.class);
    both.addAll(earlier.scopes());
    both.addAll(scopes);
    return withScopes(both).withToken(earlier.tokenSha256(), earlier.issuedAtMs());
  }

  /** Whether all of {@code wanted} was approved. */
  boolean covers(Collection<Scope> wanted) {
    return covers(scopes, wanted);
  }

  static boolean covers(Set<Scope> held, Collection<Scope> wanted) {
    return wanted.stream().allMatch(new Principal("", held)::holds);
  }

  /** In its own words, sorted. */
  static List<String> words(Collection<Scope> scopes) {
    return scopes.stream().map(Scope::word).sorted().toList();
  }

  String text() {
    var object = Json.object()
        .put("publicKey", publicKey).put("principal", principal).put("client", client)
        .put("displayName", displayName).put("platform", platform).put("family", family)
        .put("tokenSha256", tokenSha256).put("issuedAtMs", issuedAtMs).put("pairedAtMs", pairedAtMs);
    words(scopes).forEach(object.putArray("scopes")::add);
    return Json.text(object);
  }

  /** A scope that this version does not know is left out: it can only be more than what it does know. */
  static Device read(String id, String text) {
    var object = Json.read(text.getBytes(StandardCharsets.UTF_8));
    var fields = new Fields(object);
    var scopes = EnumSet.noneOf(Scope.class);
    object.path("scopes").forEach(word -> Scope.of(word.asText()).ifPresent(scopes::add));
    return new Device(id, fields.text("publicKey"), fields.text("principal"), scopes, fields.text("client"),
        fields.text("displayName"), fields.text("platform"), fields.text("family"),
        fields.text("tokenSha256"), object.path("issuedAtMs").asLong(), object.path("pairedAtMs").asLong());
  }
}
