package dev.portcullis.ingress;

import dev.portcullis.config.ConfigFault;
import dev.portcullis.config.CredentialsFile;
import dev.portcullis.config.GatewayConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.KillSwitches;
import org.apache.pekko.stream.SharedKillSwitch;
import org.apache.pekko.stream.javadsl.Flow;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who may come in: the owner of the token file, the principals of the settings, and those that were added
 * since. There is no way without a token, on loopback neither. Thread-safe; what changes the files blocks.
 * Why: docs/adr/0017.
 */
public final class Credentials {
  /** The principal of the token file; it may do everything. */
  public static final String OWNER = "owner";

  private static final Logger LOG = LoggerFactory.getLogger(Credentials.class);

  /** Where a credential is kept, and so who can change it. */
  public enum Source { TOKEN_FILE, SETTINGS, CREDENTIALS_FILE }

  /** A credential without its secret. */
  public record Listed(Source source, Principal principal) {}

  /** A stream whose credential is no longer good. */
  public static final class Revoked extends RuntimeException {
    Revoked() {
      super("the credential was revoked", null, false, false);
    }
  }

  /** @param digest of its token, in hex */
  private record Entry(Source source, String digest, Principal principal) {
    boolean is(Source otherSource, String otherDigest, Principal other) {
      return source == otherSource
          && MessageDigest.isEqual(bytes(digest), bytes(otherDigest))
          && new Principal(other.name(), other.scopes(), other.all(), principal.epoch()).equals(principal);
    }
  }

  private final CredentialsFile file;
  private final Map<String, GatewayConfig.Principal> configured;
  private final Map<Long, SharedKillSwitch> streams = new ConcurrentHashMap<>();
  private volatile List<Entry> entries = List.of();
  private volatile Consumer<String> whenRemoved = _ -> {};
  private long newest;

  private Credentials(CredentialsFile file, Map<String, GatewayConfig.Principal> configured) {
    this.file = file;
    this.configured = Map.copyOf(configured);
  }

  /**
   * Reads the files, and makes the owner's token at the first start.
   *
   * @param configured principals of the settings
   * @throws ConfigFault naming the principal whose name or token is taken or whose scope does not exist
   */
  public static Credentials open(
      Path data, Map<String, GatewayConfig.Principal> configured, RandomGenerator random) throws IOException {
    var credentials = new Credentials(new CredentialsFile(data), configured);
    credentials.enforce(
        credentials.checked(TokenFile.open(data, random).reveal(), credentials.file.read()));
    return credentials;
  }

  /** What would be in force with these. */
  private synchronized List<Entry> checked(String token, Map<String, GatewayConfig.Principal> added) {
    var next = new ArrayList<Entry>();
    next.add(entry(Source.TOKEN_FILE, CredentialsFile.digest(token),
        new Principal(OWNER, EnumSet.allOf(Scope.class), true, 0)));
    // In the order of their names, so that the same mistake is always found at the same one.
    new TreeMap<>(configured).values().forEach(each -> next.add(entry(Source.SETTINGS, each)));
    new TreeMap<>(added).values().forEach(each -> next.add(entry(Source.CREDENTIALS_FILE, each)));
    var names = new TreeSet<String>();
    var digests = new TreeSet<String>();
    for (var entry : next) {
      var key = CredentialsFile.KEY + "." + entry.principal().name();
      if (!names.add(entry.principal().name())) {
        throw ConfigFault.of(key, "the name is taken: " + OWNER + " belongs to the token file, and the file "
            + "credentials.json of the data directory may have others");
      }
      if (!digests.add(entry.digest())) {
        throw ConfigFault.of(key, "has the token of another principal; every one needs its own");
      }
    }
    return List.copyOf(next);
  }

  private synchronized void enforce(List<Entry> next) {
    entries = next;
    cutRevoked();
  }

  private Entry entry(Source source, GatewayConfig.Principal each) {
    return entry(source, each.tokenSha256(), new Principal(
        each.name(), scopes(CredentialsFile.KEY + "." + each.name() + ".scopes", each.scopes()),
        each.seesAll(), 0));
  }

  /** What has not changed keeps its epoch, so that whoever is connected by it stays so. */
  private Entry entry(Source source, String digest, Principal principal) {
    return entries.stream()
        .filter(known -> known.is(source, digest, principal))
        .findFirst()
        .orElseGet(() -> new Entry(source, digest,
            new Principal(principal.name(), principal.scopes(), principal.all(), ++newest)));
  }

  private void cutRevoked() {
    var good = entries.stream().map(entry -> entry.principal().epoch()).collect(Collectors.toSet());
    streams.entrySet().removeIf(open -> {
      if (good.contains(open.getKey())) {
        return false;
      }
      open.getValue().abort(new Revoked());
      return true;
    });
  }

  /**
   * Whose token this is. Takes as long for any token: digests are compared, all of them, in constant time.
   */
  public Optional<Principal> find(String token) {
    var digest = bytes(CredentialsFile.digest(token));
    var found = Optional.<Principal>empty();
    for (var entry : entries) {
      if (MessageDigest.isEqual(bytes(entry.digest()), digest)) {
        found = Optional.of(entry.principal());
      }
    }
    return found;
  }

  /** The principal of this name, if it still has a token. */
  public Optional<Principal> named(String name) {
    return entries.stream().map(Entry::principal).filter(each -> each.name().equals(name)).findFirst();
  }

  /** Whether the credential it has shown is still as it was; to be asked again per request and per frame. */
  public boolean holds(Principal principal) {
    return entries.stream().anyMatch(entry -> entry.principal().epoch() == principal.epoch());
  }

  /** Fails with {@link Revoked}, and at once, when the credential is no longer as it was. */
  public <T> Flow<T, T, NotUsed> whileHeld(Principal principal) {
    var open = streams.computeIfAbsent(principal.epoch(), _ -> KillSwitches.shared("credential"));
    if (!holds(principal)) { // Revoked before the switch was there to be thrown.
      streams.remove(principal.epoch(), open);
      open.abort(new Revoked());
    }
    return Flow.<T>create().via(open.flow());
  }

  /** All there are, without their secrets. */
  public List<Listed> list() {
    return entries.stream().map(entry -> new Listed(entry.source(), entry.principal())).toList();
  }

  /**
   * A new principal.
   *
   * @throws InputFault when the minter holds less, or the name is taken or none
   */
  public synchronized Token add(
      String name, Set<Scope> scopes, boolean all, Principal minter, RandomGenerator random) {
    if (entries.stream().anyMatch(entry -> entry.principal().name().equals(name))) {
      throw InputFault.of(Problems.credentialExists(name));
    }
    require(minter, scopes, all);
    var token = mint(name, scopes, all, random);
    LOG.info("credentials.added name={} by={}", name, minter.name());
    return token;
  }

  /**
   * A new token in the place of the one there is, which is no longer good.
   *
   * @throws InputFault when there is no such principal, it is one of the settings, or the minter holds less
   */
  public synchronized Token rotate(String name, Principal minter, RandomGenerator random) {
    var entry = changeable(name);
    require(minter, entry.principal().scopes(), entry.principal().all());
    var token = entry.source() == Source.TOKEN_FILE
        ? mintOwner(random)
        : mint(name, entry.principal().scopes(), entry.principal().all(), random);
    LOG.info("credentials.rotated name={} by={}", name, minter.name());
    return token;
  }

  /** @throws InputFault when there is no such principal, or it is none that can be removed here */
  public synchronized void remove(String name, Principal by) {
    var entry = changeable(name);
    if (entry.source() == Source.TOKEN_FILE) {
      throw InputFault.of(Problems.credentialFixed(name, "rotate its token instead"));
    }
    require(by, entry.principal().scopes(), entry.principal().all());
    changeAdded(added -> added.remove(name));
    LOG.info("credentials.removed name={} by={}", name, by.name());
    whenRemoved.accept(name);
  }

  /** @param task told the name of each principal that is removed from now on */
  public void whenRemoved(Consumer<String> task) {
    whenRemoved = task;
  }

  private Entry changeable(String name) {
    var entry = entries.stream()
        .filter(each -> each.principal().name().equals(name))
        .findFirst()
        .orElseThrow(() -> InputFault.of(Problems.credentialNotFound(name)));
    if (entry.source() == Source.SETTINGS) {
      throw InputFault.of(Problems.credentialFixed(name, "change the settings and restart"));
    }
    return entry;
  }

  private static void require(Principal minter, Set<Scope> scopes, boolean all) {
    if (!minter.covers(scopes, all)) {
      throw InputFault.of(Problems.widening());
    }
  }

  private Token mint(String name, Set<Scope> scopes, boolean all, RandomGenerator random) {
    var text = CredentialsFile.freshToken(random);
    var words = scopes.stream().map(Scope::word).collect(Collectors.toSet());
    changeAdded(added -> added.put(
        name, new GatewayConfig.Principal(name, CredentialsFile.digest(text), words, all)));
    return Token.of(text);
  }

  private Token mintOwner(RandomGenerator random) {
    var text = CredentialsFile.freshToken(random);
    changed(() -> {
      var next = checked(text, file.read());
      return new Change(next, () -> file.writeToken(text));
    });
    return Token.of(text);
  }

  private void changeAdded(Consumer<Map<String, GatewayConfig.Principal>> edit) {
    changed(() -> {
      var added = new TreeMap<>(file.read());
      edit.accept(added);
      return new Change(checked(file.readToken(), added), () -> file.write(added));
    });
  }

  @FunctionalInterface
  private interface Writing {
    void run() throws IOException;
  }

  /** @param next what is in force once {@code writing} is done */
  private record Change(List<Entry> next, Writing writing) {}

  @FunctionalInterface
  private interface Reading {
    Change run() throws IOException;
  }

  /** What can be refused is refused before anything is written; then what was written is in force. */
  private void changed(Reading reading) {
    try {
      var change = reading.run();
      write(change);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    } catch (ConfigFault refused) { // A name that settings would refuse as well.
      throw Fields.fault("name", refused.getMessage());
    }
  }

  private void write(Change change) throws IOException {
    try {
      change.writing().run();
    } catch (IOException failed) { // It may have come so far that the file is another: that one counts.
      try {
        enforce(checked(file.readToken(), file.read()));
      } catch (IOException | ConfigFault unread) {
        failed.addSuppressed(unread);
      }
      throw failed;
    }
    enforce(change.next());
  }

  private static byte[] bytes(String hex) {
    return HexFormat.of().parseHex(hex);
  }

  private static Set<Scope> scopes(String key, Set<String> words) {
    return words.stream()
        .map(word -> Scope.of(word).orElseThrow(() -> ConfigFault.of(key, "there is no scope \"" + word
            + "\"; use one of " + Scope.words())))
        .collect(Collectors.toSet());
  }
}
