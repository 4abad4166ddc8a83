package dev.portcullis.config;

import com.typesafe.config.Config;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
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
            keys.positive("portcullis.http.abandon-after")),
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
        keys.named("portcullis.auth.principals", this::principal),
        cluster(),
        sockets());
    keys.refuseUnknown("portcullis");
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

  private GatewayConfig.Principal principal(String name, String key) {
    if (DECIDERS.contains(name)) {
      throw ConfigFault.of(key, "is a name under which the gateway itself decides about approvals");
    }
    var digest = keys.text(key + ".token-sha256").toLowerCase(Locale.ROOT);
    if (!digest.matches("[0-9a-f]{64}")) {
      throw ConfigFault.of(key + ".token-sha256", "must be 64 hexadecimal digits");
    }
    return new GatewayConfig.Principal(name, digest, Set.copyOf(keys.texts(key + ".scopes")));
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
