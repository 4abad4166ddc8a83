package dev.portcullis.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;

/** Reads HOCON into {@link GatewayConfig}; every key that is read counts as known, every other one is refused. */
final class ConfigReader {
  /** One identifier in a name: what may stand in a session key, a log line and a metric without quoting. */
  private static final Predicate<String> NAME = name -> name.matches("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}");

  private final Config root;
  private final Set<String> known = new HashSet<>();

  ConfigReader(Config root) {
    this.root = root;
  }

  GatewayConfig gateway() {
    var data = Path.of(text("portcullis.data")).toAbsolutePath().normalize();
    var harnesses = named("portcullis.harnesses", this::harness);
    var agents = named("portcullis.agents", (name, key) -> agent(name, key, data, harnesses.keySet()));
    var defaultAgent = text("portcullis.default-agent");
    if (!agents.containsKey(defaultAgent)) {
      throw ConfigFault.of("portcullis.default-agent", "no agent is called \"" + defaultAgent + "\"");
    }
    var config = new GatewayConfig(
        data,
        new GatewayConfig.Http(
            text("portcullis.http.interface"),
            number("portcullis.http.port", 0, 65_535),
            (int) size("portcullis.http.body-bytes", 1 << 10, 64 << 20),
            positive("portcullis.http.keep-alive")),
        new GatewayConfig.Management(
            text("portcullis.management.interface"), number("portcullis.management.port", 0, 65_535)),
        new GatewayConfig.Boot(
            positive("portcullis.boot.deadline"),
            number("portcullis.boot.loop-limit", 2, 1_000),
            positive("portcullis.boot.loop-window")),
        new GatewayConfig.Drain(duration("portcullis.drain.deadline"), positive("portcullis.drain.grace")),
        run(),
        session(),
        defaultAgent,
        agents,
        harnesses,
        journal(),
        atMost("portcullis.health.interval", Duration.ofMinutes(1)),
        alerts(),
        named("portcullis.auth.principals", this::principal));
    refuseUnknown();
    return config;
  }

  private GatewayConfig.Run run() {
    return new GatewayConfig.Run(
        positive("portcullis.run.deadline"),
        positive("portcullis.run.idle-deadline"),
        duration("portcullis.run.harness-wait"),
        number("portcullis.run.attempts", 1, 10),
        durations("portcullis.run.resume-delays"),
        duration("portcullis.run.text-interval"),
        positive("portcullis.run.abort-grace"));
  }

  private GatewayConfig.Session session() {
    return new GatewayConfig.Session(
        number("portcullis.session.queue-limit", 1, 1_000_000),
        positive("portcullis.session.key-retention"),
        positive("portcullis.session.idle"),
        number("portcullis.session.message-chars", 1, 64 << 20));
  }

  private GatewayConfig.Journal journal() {
    return new GatewayConfig.Journal(
        oneOf("portcullis.journal.store", "leveldb"),
        oneOf("portcullis.journal.leveldb.implementation", "auto", "native", "java"),
        size("portcullis.journal.low-space", 1, Long.MAX_VALUE));
  }

  private GatewayConfig.Alerts alerts() {
    var hooks = read("portcullis.alerts.webhooks", "a list of { url, secret }", root::getConfigList).stream()
        .map(ConfigReader::webhook)
        .toList();
    return new GatewayConfig.Alerts(
        hooks, positive("portcullis.alerts.repeat"), number("portcullis.alerts.per-minute", 1, 100_000));
  }

  private static GatewayConfig.Webhook webhook(Config hook) {
    for (var field : List.of("url", "secret")) {
      if (!hook.hasPath(field)) {
        throw ConfigFault.of("portcullis.alerts.webhooks", "each entry needs " + field);
      }
    }
    var secret = hook.getString("secret");
    if (!secret.startsWith("whsec_")) {
      throw ConfigFault.of("portcullis.alerts.webhooks", "secret must begin with whsec_");
    }
    return new GatewayConfig.Webhook(hook.getString("url"), secret);
  }

  private GatewayConfig.Principal principal(String name, String key) {
    var digest = text(key + ".token-sha256").toLowerCase(Locale.ROOT);
    if (!digest.matches("[0-9a-f]{64}")) {
      throw ConfigFault.of(key + ".token-sha256", "must be 64 hexadecimal digits");
    }
    return new GatewayConfig.Principal(name, digest, Set.copyOf(texts(key + ".scopes")));
  }

  private AgentConfig agent(String name, String key, Path data, Set<String> harnesses) {
    var agent = new AgentConfig(
        name,
        text(key + ".harness"),
        optional(key + ".fallbacks", this::texts, List.of()),
        data.resolve(optional(key + ".workspace", this::text, "workspaces/" + name)).normalize(),
        constant(key + ".queue", AgentConfig.Queueing.class, AgentConfig.Queueing.QUEUE),
        constant(key + ".on-uncertain", AgentConfig.OnUncertain.class, AgentConfig.OnUncertain.TELL),
        constant(key + ".approvals", AgentConfig.Approvals.class, AgentConfig.Approvals.ASK));
    for (var harness : agent.harnesses()) {
      if (!harnesses.contains(harness)) {
        throw ConfigFault.of(key + ".harness", "no harness is called \"" + harness + "\"; declare portcullis.harnesses."
            + harness);
      }
    }
    return agent;
  }

  private HarnessConfig harness(String name, String key) {
    return switch (oneOf(key + ".kind", "echo", "acp")) {
      case "echo" -> new HarnessConfig.Echo(name);
      case String _ -> new HarnessConfig.Acp(
          name,
          text(key + ".command"),
          optional(key + ".args", this::texts, List.of()),
          optional(key + ".env", this::environment, Map.of()),
          optional(key + ".processes", path -> number(path, 1, 1_000), 4),
          optional(key + ".idle-close", this::positive, Duration.ofMinutes(5)),
          optional(key + ".start-deadline", this::positive, Duration.ofSeconds(30)));
    };
  }

  private Map<String, String> environment(String key) {
    var env = new LinkedHashMap<String, String>();
    for (var name : read(key, "an object of strings", root::getObject).keySet()) {
      env.put(name, text(key + "." + ConfigUtil.joinPath(name)));
    }
    return env;
  }

  private <T> Map<String, T> named(String key, BiFunction<String, String, T> entry) {
    known.add(key);
    var result = new LinkedHashMap<String, T>();
    for (var name : read(key, "an object", root::getObject).keySet()) {
      if (!NAME.test(name)) {
        throw ConfigFault.of(key, "\"" + name + "\" is not a name (letters, digits, _ . -; at most 64)");
      }
      result.put(name, entry.apply(name, key + "." + ConfigUtil.joinPath(name)));
    }
    return result;
  }

  private <T> T optional(String key, Function<String, T> reader, T absent) {
    known.add(key);
    return root.hasPath(key) ? reader.apply(key) : absent;
  }

  private <E extends Enum<E>> E constant(String key, Class<E> type, E absent) {
    var words = Arrays.stream(type.getEnumConstants())
        .map(constant -> constant.name().toLowerCase(Locale.ROOT))
        .toArray(String[]::new);
    return optional(key, path -> Enum.valueOf(type, oneOf(path, words).toUpperCase(Locale.ROOT)), absent);
  }

  private String oneOf(String key, String... words) {
    var word = text(key);
    if (!List.of(words).contains(word)) {
      throw ConfigFault.of(key, "must be " + String.join(" | ", words) + ", not \"" + word + "\"");
    }
    return word;
  }

  private String text(String key) {
    var text = read(key, "a text", root::getString);
    if (text.isBlank()) {
      throw ConfigFault.of(key, "must not be empty");
    }
    return text;
  }

  private List<String> texts(String key) {
    return read(key, "a list of texts", root::getStringList);
  }

  private int number(String key, int least, int most) {
    int number = read(key, "a whole number", root::getInt);
    if (number < least || number > most) {
      throw ConfigFault.of(key, "must be " + least + " to " + most + ", not " + number);
    }
    return number;
  }

  private long size(String key, long least, long most) {
    long bytes = read(key, "a size such as 4MiB", root::getBytes);
    if (bytes < least || bytes > most) {
      throw ConfigFault.of(key, "must be " + least + " to " + most + " bytes, not " + bytes);
    }
    return bytes;
  }

  private Duration duration(String key) {
    var duration = read(key, "a duration such as 30s", root::getDuration);
    if (duration.isNegative()) {
      throw ConfigFault.of(key, "must not be negative");
    }
    return duration;
  }

  private Duration positive(String key) {
    var duration = duration(key);
    if (duration.isZero()) {
      throw ConfigFault.of(key, "must be longer than zero");
    }
    return duration;
  }

  private Duration atMost(String key, Duration most) {
    var duration = positive(key);
    if (duration.compareTo(most) > 0) {
      throw ConfigFault.of(key, "must be at most " + most.toSeconds() + "s");
    }
    return duration;
  }

  private List<Duration> durations(String key) {
    var list = read(key, "a list of durations", root::getDurationList);
    if (list.isEmpty() || list.stream().anyMatch(Duration::isNegative)) {
      throw ConfigFault.of(key, "needs one or more durations that are not negative");
    }
    return list;
  }

  private <T> T read(String key, String expected, Function<String, T> getter) {
    known.add(key);
    try {
      return getter.apply(key);
    } catch (ConfigException.Missing missing) {
      throw ConfigFault.of(key, "is missing; expected " + expected);
    } catch (ConfigException.WrongType | ConfigException.BadValue wrong) {
      throw ConfigFault.of(key, "must be " + expected);
    }
  }

  private void refuseUnknown() {
    refuseUnknown(root.getObject("portcullis"), "portcullis");
  }

  private void refuseUnknown(ConfigObject object, String prefix) {
    for (Map.Entry<String, ConfigValue> entry : object.entrySet()) {
      var key = prefix + "." + ConfigUtil.joinPath(entry.getKey());
      if (isKnown(key)) {
        if (entry.getValue().valueType() == ConfigValueType.OBJECT) {
          refuseUnknown((ConfigObject) entry.getValue(), key);
        }
      } else {
        throw ConfigFault.of(key, "is not a setting (" + entry.getValue().origin().description() + ")");
      }
    }
  }

  /** A key is known when it was read, or when something below it was. */
  private boolean isKnown(String key) {
    return known.contains(key) || known.stream().anyMatch(read -> read.startsWith(key + "."));
  }
}
