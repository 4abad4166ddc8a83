package dev.portcullis.ingress;

import dev.portcullis.config.ConfigFault;
import dev.portcullis.config.GatewayConfig;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Who may come in. There is no way without a token, on loopback neither. */
public final class Credentials {
  /** The principal of the token file; it may do everything. */
  public static final String OWNER = "owner";

  private record Entry(byte[] sha256, Principal principal) {}

  private final List<Entry> entries;

  private Credentials(List<Entry> entries) {
    this.entries = List.copyOf(entries);
  }

  /**
   * The token file's principal and the configured ones.
   *
   * @throws ConfigFault naming the principal whose name is taken or whose scope does not exist
   */
  public static Credentials of(Token token, Map<String, GatewayConfig.Principal> configured) {
    var entries = new ArrayList<Entry>();
    entries.add(new Entry(Digests.sha256(token.reveal()), new Principal(OWNER, EnumSet.allOf(Scope.class))));
    for (var principal : configured.values()) {
      var key = "portcullis.auth.principals." + principal.name();
      if (principal.name().equals(OWNER)) {
        throw ConfigFault.of(key, "the name " + OWNER + " belongs to the token file; choose another");
      }
      entries.add(new Entry(
          HexFormat.of().parseHex(principal.tokenSha256()),
          new Principal(principal.name(), scopes(key + ".scopes", principal.scopes()))));
    }
    return new Credentials(entries);
  }

  /**
   * Whose token this is. Takes as long for any token: digests are compared, all of them, in constant time.
   */
  public Optional<Principal> find(String token) {
    var digest = Digests.sha256(token);
    var found = Optional.<Principal>empty();
    for (var entry : entries) {
      if (MessageDigest.isEqual(entry.sha256(), digest)) {
        found = Optional.of(entry.principal());
      }
    }
    return found;
  }

  /** The principal of this name, if it still has a token. */
  public Optional<Principal> named(String name) {
    return entries.stream().map(Entry::principal).filter(each -> each.name().equals(name)).findFirst();
  }

  private static Set<Scope> scopes(String key, Set<String> words) {
    return words.stream()
        .map(word -> Scope.of(word).orElseThrow(() -> ConfigFault.of(key, "there is no scope \"" + word
            + "\"; use operator.read, operator.write, operator.approvals, operator.pairing, "
            + "operator.admin")))
        .collect(Collectors.toSet());
  }
}
