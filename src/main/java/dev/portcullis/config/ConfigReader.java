package dev.portcullis.config;

import com.typesafe.config.Config;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Reads HOCON into {@link GatewayConfig}: which settings there are, and what they must look like. */
final class ConfigReader {
  private static final String POSTGRESQL = "portcullis.journal.postgresql.";
  private static final String WEBHOOKS = "portcullis.alerts.webhooks";
  private static final String CLUSTER = "portcullis.cluster";
  private static final Set<String> DECIDERS = Set.of("policy", "expiry", "expired", "harness");
  /** What scripts of browsers stumble over. */
  private static final Set<String> RESERVED = Set.of("__proto__", "constructor", "prototype");
  private static final Pattern SEED = Pattern.compile("(\\[[0-9a-fA-F:.]+]|[^\\s:]+):([1-9][0-9]{0,4})");

  private final KeyReader keys;

  ConfigReader(Config root) {
    this.keys = new KeyReader(root);
  }

  GatewayConfig gateway() {
    var data = Path.of(keys.text("portcullis.data")).toAbsolutePath().normalize();
    var harnesses = keys.named("portcullis.harnesses", new HarnessReader(keys)::harness);
    var agents = keys.named("portcullis.agents", (name, key) -> agent(name, key, data, harnesses.keySet()));
    var defaultAgent = keys.text("portcullis.default-agent");
    if (!agents.containsKey(defaultAgent)) {
      throw ConfigFault.of("portcullis.default-agent", "no agent is called \"" + defaultAgent + "\"");
    }
    var config = new GatewayConfig(
        data,
        new GatewayConfig.Http(
            keys.text("portcullis.http.interface"),
            keys.number("portcullis.http.port", 0, 65_535),
            (int) keys.size("portcullis.http.body-bytes", 1 << 10, 64 << 20),
            keys.positive("portcullis.http.keep-alive"),
            (int) keys.size("portcullis.http.viewer-bytes", 1 << 14, 64 << 20),
            keys.positive("portcullis.http.abandon-after"),
            keys.atMost("portcullis.http.body-deadline", Duration.ofMinutes(10)),
            keys.words("portcullis.http.hosts"),
            keys.words("portcullis.http.origins").stream().map(ConfigReader::origin).toList(),
            keys.words("portcullis.http.trusted-proxies").stream().map(ConfigReader::network).toList()),
        new GatewayConfig.Management(
            keys.text("portcullis.management.interface"),
            keys.number("portcullis.management.port", 0, 65_535)),
        new GatewayConfig.Boot(
            keys.positive("portcullis.boot.deadline"),
            keys.number("portcullis.boot.loop-limit", 2, 1_000),
            keys.positive("portcullis.boot.loop-window")),
        new GatewayConfig.Drain(keys.duration("portcullis.drain.deadline"),
            keys.positive("portcullis.drain.grace")),
        run(),
        session(),
        images(),
        approvals(),
        retention(),
        defaultAgent,
        agents,
        harnesses,
        journal(),
        keys.atMost("portcullis.health.interval", Duration.ofMinutes(1)),
        alerts(),
        principals(),
        limits(),
        cluster(),
        sockets());
    keys.refuseUnknown("portcullis");
    requireTls(config.http());
    return config;
  }

  private GatewayConfig.Sockets sockets() {
    return new GatewayConfig.Sockets(
        keys.number("portcullis.sockets.most", 1, 100_000),
        keys.number("portcullis.sockets.pending", 1, 10_000),
        keys.number("portcullis.sockets.pending-per-client", 1, 10_000),
        keys.positive("portcullis.sockets.login"),
        (int) keys.size("portcullis.sockets.first-bytes", 1 << 10, 1 << 20),
        (int) keys.size("portcullis.sockets.buffer-bytes", 1 << 10, 64 << 20),
        keys.atMost("portcullis.sockets.tick", Duration.ofSeconds(30)));
  }

  /** The port speaks no TLS: off loopback somebody in front of it must, or tokens are for all (SEC-09). */
  private static void requireTls(GatewayConfig.Http http) {
    try {
      if (http.proxies().isEmpty()
          && !Arrays.stream(InetAddress.getAllByName(http.host()))
              .allMatch(InetAddress::isLoopbackAddress)) {
        throw ConfigFault.of("portcullis.http.interface", http.host() + " is not loopback, and the "
            + "port speaks no TLS; name the proxies that do in portcullis.http.trusted-proxies");
      }
    } catch (UnknownHostException unknown) {
      throw ConfigFault.of("portcullis.http.interface", "no address is known for " + http.host());
    }
  }

  private GatewayConfig.Run run() {
    return new GatewayConfig.Run(
        keys.positive("portcullis.run.deadline"),
        keys.positive("portcullis.run.idle-deadline"),
        keys.duration("portcullis.run.harness-wait"),
        keys.number("portcullis.run.attempts", 1, 10),
        keys.durations("portcullis.run.resume-delays"),
        keys.duration("portcullis.run.text-interval"),
        keys.positive("portcullis.run.abort-grace"),
        keys.number("portcullis.run.output-chars", 1, Integer.MAX_VALUE));
  }

  private GatewayConfig.Session session() {
    return new GatewayConfig.Session(
        keys.number("portcullis.session.queue-limit", 1, 1_000_000),
        keys.positive("portcullis.session.key-retention"),
        keys.positive("portcullis.session.idle"),
        keys.number("portcullis.session.message-chars", 1, 64 << 20));
  }

  private GatewayConfig.Images images() {
    return new GatewayConfig.Images(
        (int) keys.size("portcullis.images.bytes", 1, 48 << 20),
        (int) keys.size("portcullis.images.turn-bytes", 1, 48 << 20),
        keys.number("portcullis.images.count", 0, 1_000));
  }

  private GatewayConfig.Approvals approvals() {
    return new GatewayConfig.Approvals(
        keys.positive("portcullis.approvals.expire"),
        keys.number("portcullis.approvals.input-chars", 1, 16 << 20));
  }

  private GatewayConfig.Retention retention() {
    var retention = new GatewayConfig.Retention(
        keys.positiveOrForever("portcullis.retention.transcripts"),
        keys.positiveOrForever("portcullis.retention.runs"),
        keys.positive("portcullis.retention.interval"));
    if (retention.runs().compareTo(retention.transcripts()) < 0) {
      throw ConfigFault.of("portcullis.retention.runs", "must not be shorter than retention.transcripts");
    }
    return retention;
  }

  private GatewayConfig.Journal journal() {
    var store = keys.oneOf("portcullis.journal.store", "leveldb", "postgresql");
    var levelDb = new GatewayConfig.LevelDb(
        keys.oneOf("portcullis.journal.leveldb.implementation", "auto", "native", "java"));
    var postgresql = new GatewayConfig.Postgresql(
        keys.optional(POSTGRESQL + "url", keys::text, ""),
        keys.optional(POSTGRESQL + "user", keys::text, ""),
        keys.optional(POSTGRESQL + "password", keys::text, ""),
        keys.text(POSTGRESQL + "schema"),
        keys.number(POSTGRESQL + "pool", 2, 200),
        keys.flag(POSTGRESQL + "create-schema"),
        keys.positive(POSTGRESQL + "outage"));
    return new GatewayConfig.Journal(
        store.equals("postgresql") ? checked(postgresql) : levelDb,
        keys.size("portcullis.journal.low-space", 1, Long.MAX_VALUE));
  }

  private GatewayConfig.Cluster cluster() {
    boolean enabled = keys.flag(CLUSTER + ".enabled");
    var host = enabled ? keys.text(CLUSTER + ".host") : keys.maybeEmpty(CLUSTER + ".host");
    var seeds = keys.words(CLUSTER + ".seeds").stream().map(ConfigReader::seed).toList();
    if (enabled && seeds.isEmpty()) {
      throw ConfigFault.of(CLUSTER + ".seeds", "needs one or more host:port of nodes to join at");
    }
    if (enabled && !keys.text("portcullis.journal.store").equals("postgresql")) {
      throw ConfigFault.of(
          CLUSTER + ".enabled", "needs a store that nodes share: portcullis.journal.store = postgresql");
    }
    return new GatewayConfig.Cluster(
        enabled,
        host,
        keys.number(CLUSTER + ".port", 1, 65_535),
        seeds,
        keys.positive(CLUSTER + ".stable-after"),
        keys.positive(CLUSTER + ".heartbeat-pause"));
  }

  /** The port follows the last colon, so that the numbers of IPv6 may have more of them. */
  private static GatewayConfig.Seed seed(String text) {
    var match = SEED.matcher(text);
    if (!match.matches() || Integer.parseInt(match.group(2)) > 65_535) {
      throw ConfigFault.of(CLUSTER + ".seeds", "\"" + text + "\" is not host:port");
    }
    return new GatewayConfig.Seed(match.group(1), Integer.parseInt(match.group(2)));
  }

  private static GatewayConfig.Postgresql checked(GatewayConfig.Postgresql store) {
    if (!store.url().startsWith("jdbc:postgresql:")) {
      throw ConfigFault.of(POSTGRESQL + "url", "must be jdbc:postgresql://HOST:PORT/DATABASE");
    }
    if (store.url().matches(".*[?&]password=.*|.*//[^/]*@.*")) { // It is shown in messages.
      throw ConfigFault.of(POSTGRESQL + "url", "must not hold a password; set " + POSTGRESQL + "password");
    }
    if (!store.schema().matches("[a-z_][a-z0-9_]{0,62}")) {
      throw ConfigFault.of(POSTGRESQL + "schema", "must be lower-case letters, digits and _; at most 63");
    }
    return store;
  }

  private GatewayConfig.Alerts alerts() {
    return new GatewayConfig.Alerts(
        keys.listed(WEBHOOKS, ConfigReader::webhook),
        keys.positive("portcullis.alerts.repeat"),
        keys.number("portcullis.alerts.per-minute", 1, 100_000));
  }

  private static GatewayConfig.Webhook webhook(KeyReader entry) {
    var hook = new GatewayConfig.Webhook(entry.text(WEBHOOKS + ".url"), entry.text(WEBHOOKS + ".secret"));
    if (!isWebAddress(hook.url())) {
      throw ConfigFault.of(WEBHOOKS + ".url", "must be an http or https address");
    }
    if (!isSecret(hook.secret())) {
      throw ConfigFault.of(WEBHOOKS + ".secret", "must be whsec_ and 24 or more bytes in base64");
    }
    return hook;
  }

  private static boolean isWebAddress(String text) {
    try {
      var address = URI.create(text);
      return List.of("http", "https").contains(address.getScheme()) && address.getHost() instanceof String;
    } catch (IllegalArgumentException malformed) {
      return false;
    }
  }

  private static boolean isSecret(String text) {
    try {
      return text.startsWith("whsec_")
          && Base64.getDecoder().decode(text.substring("whsec_".length())).length >= 24;
    } catch (IllegalArgumentException malformed) {
      return false;
    }
  }

  /** The principals of the settings, or of the file that has the same shape. */
  Map<String, GatewayConfig.Principal> principals() {
    return keys.named(CredentialsFile.KEY, this::principal);
  }

  /** @throws ConfigFault when no principal may have this name */
  static void checkName(String name) {
    var key = CredentialsFile.KEY + "." + name;
    if (!KeyReader.isName(name)) {
      throw ConfigFault.of(CredentialsFile.KEY, "a name is letters, digits and _ . -, at most 64");
    }
    if (DECIDERS.contains(name)) {
      throw ConfigFault.of(key, "is a name under which the gateway itself decides about approvals");
    }
    if (RESERVED.contains(name)) {
      throw ConfigFault.of(key, "is no name for anybody");
    }
  }

  private GatewayConfig.Limits limits() {
    return new GatewayConfig.Limits(
        keys.number("portcullis.limits.auth-failures", 1, 1_000_000),
        keys.atMost("portcullis.limits.auth-window", Duration.ofHours(1)),
        keys.number("portcullis.limits.requests-per-minute", 1, Integer.MAX_VALUE),
        keys.number("portcullis.limits.open-runs", 1, 10_000_000),
        keys.number("portcullis.limits.open-runs-in-all", 1, 10_000_000));
  }

  /** Compared as browsers send it: no path, no final slash. */
  private static String origin(String text) {
    if (!text.matches("https?://[a-z0-9.\\[\\]:-]+")) {
      throw ConfigFault.of(
          "portcullis.http.origins", "\"" + text + "\" is not an origin such as https://host:port");
    }
    return text;
  }

  private static Network network(String text) {
    return Network.parse(text).orElseThrow(() -> ConfigFault.of(
        "portcullis.http.trusted-proxies", "\"" + text + "\" is not a network such as 10.0.0.0/8"));
  }

  private GatewayConfig.Principal principal(String name, String key) {
    checkName(name);
    var digest = keys.text(key + ".token-sha256").toLowerCase(Locale.ROOT);
    if (!digest.matches("[0-9a-f]{64}")) {
      throw ConfigFault.of(key + ".token-sha256", "must be 64 hexadecimal digits");
    }
    return new GatewayConfig.Principal(name, digest, Set.copyOf(keys.texts(key + ".scopes")),
        keys.optional(key + ".sessions", sessions -> keys.oneOf(sessions, "own", "all"), "own")
            .equals("all"));
  }

  private AgentConfig agent(String name, String key, Path data, Set<String> harnesses) {
    var agent = new AgentConfig(
        name,
        keys.text(key + ".harness"),
        keys.optional(key + ".fallbacks", keys::texts, List.of()),
        data.resolve(keys.optional(key + ".workspace", keys::text, "workspaces/" + name)).normalize(),
        keys.constant(key + ".queue", AgentConfig.Queueing.class, AgentConfig.Queueing.QUEUE),
        keys.constant(key + ".on-uncertain", AgentConfig.OnUncertain.class, AgentConfig.OnUncertain.TELL),
        approvals(key + ".approvals"));
    for (var harness : agent.harnesses()) {
      if (!harnesses.contains(harness)) {
        var field = harness.equals(agent.harness()) ? ".harness" : ".fallbacks";
        throw ConfigFault.of(
            key + field, "no harness is called \"" + harness + "\"; declare portcullis.harnesses." + harness);
      }
    }
    if (Set.copyOf(agent.harnesses()).size() < agent.harnesses().size()) {
      throw ConfigFault.of(
          key + ".fallbacks", "names a harness twice, or the agent's own; each is tried once");
    }
    return agent;
  }

  /** One word for every kind of tool, or a word for each. */
  private ApprovalPolicy approvals(String key) {
    if (!keys.isObject(key)) {
      return ApprovalPolicy.always(approvals(key, AgentConfig.Approvals.ASK));
    }
    var otherwise = approvals(key + ".default", AgentConfig.Approvals.ASK);
    return new ApprovalPolicy(otherwise, ApprovalPolicy.KINDS.stream()
        .collect(Collectors.toMap(kind -> kind, kind -> approvals(key + "." + kind, otherwise))));
  }

  private AgentConfig.Approvals approvals(String key, AgentConfig.Approvals absent) {
    return keys.constant(key, AgentConfig.Approvals.class, absent);
  }
}
