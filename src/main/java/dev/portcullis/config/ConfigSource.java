package dev.portcullis.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigResolveOptions;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValueFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Function;

/** Where settings come from; strongest first: {@code --set}, the operator's file, the shipped file. */
public sealed interface ConfigSource {
  /** Nothing but the file inside the jar, which is {@code conf/application.conf}. */
  record Shipped() implements ConfigSource {}

  /** The operator's own file over the shipped one, so that it need hold only what differs. */
  record OwnFile(Path path) implements ConfigSource {}

  /**
   * Reads and resolves. The result lacks the libraries' defaults: who starts actors adds
   * {@code ConfigFactory.defaultReference()} as fallback.
   *
   * @param sets whole key to value, as given to {@code --set}
   * @param env what {@code ${NAME}} in a file can mean besides other settings
   * @throws ConfigFault naming the file, or the key that cannot be resolved
   */
  default Config load(Map<String, String> sets, Map<String, String> env) {
    var shipped = parse("conf/application.conf", strict ->
        ConfigFactory.parseResources(ConfigSource.class.getClassLoader(), "conf/application.conf", strict));
    var below = switch (this) {
      case Shipped _ -> shipped;
      case OwnFile(var path) -> own(path).withFallback(shipped);
    };
    var config = below;
    for (var set : sets.entrySet()) {
      config = override(set.getKey(), set.getValue()).withFallback(config);
    }
    return resolve(config, env);
  }

  private static Config own(Path path) {
    if (!Files.isReadable(path)) {
      throw ConfigFault.unreadable(path.toString(), "no readable file is there; name another with --config");
    }
    return parse(path.toString(), strict -> ConfigFactory.parseFile(path.toFile(), strict));
  }

  private static Config parse(String name, Function<ConfigParseOptions, Config> parser) {
    try {
      return parser.apply(ConfigParseOptions.defaults().setAllowMissing(false));
    } catch (ConfigException.Parse | ConfigException.IO fault) {
      throw ConfigFault.unreadable(name, fault.getMessage());
    }
  }

  /**
   * Plain words stay a text (HOCON reads numbers and durations from those, and would take {@code //} for a
   * comment); what begins like a HOCON value, or refers to another setting, is parsed.
   */
  private static Config override(String given, String value) {
    // As the reference lists them, without the prefix, keys are understood too.
    var key = given.startsWith("portcullis.") || given.startsWith("pekko.") ? given : "portcullis." + given;
    try {
      if (value.matches("(?s)\\s*[\\[{\"].*|.*\\$\\{.*|null")) {
        return ConfigFactory.parseString(key + " = " + value);
      }
      return ConfigValueFactory.fromAnyRef(value, "--set").atPath(key);
    } catch (ConfigException fault) {
      throw ConfigFault.of(key, "the value of --set is not HOCON");
    }
  }

  private static Config resolve(Config config, Map<String, String> env) {
    var options = ConfigResolveOptions.defaults()
        .setUseSystemEnvironment(false)
        .setAllowUnresolved(true)
        .appendResolver(new EnvironmentResolver(env));
    try {
      var resolved = config.resolve(options);
      refuseUnresolved(resolved.root(), "");
      return resolved;
    } catch (ConfigException.UnresolvedSubstitution cycle) {
      throw ConfigFault.unreadable("the configuration", cycle.getMessage());
    }
  }

  private static void refuseUnresolved(ConfigObject object, String prefix) {
    for (var entry : object.entrySet()) {
      var key = prefix + ConfigUtil.joinPath(entry.getKey());
      var value = entry.getValue();
      try {
        value.valueType();
      } catch (ConfigException.NotResolved missing) {
        throw ConfigFault.of(
            key, "refers to something that is not set (" + value.origin().description()
                + "); set it in the environment");
      }
      if (value instanceof ConfigObject inner) {
        refuseUnresolved(inner, key + ".");
      }
    }
  }
}
