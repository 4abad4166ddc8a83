package dev.portcullis.config;

import com.typesafe.config.ConfigResolver;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import java.util.Map;

/**
 * Lets {@code ${NAME}} mean a variable of the given environment, so that tests need not change the real one.
 */
record EnvironmentResolver(Map<String, String> env) implements ConfigResolver {
  @Override
  public ConfigValue lookup(String path) {
    var name = ConfigUtil.splitPath(path).getFirst();
    // The library's contract: null is "unknown here".
    return env.containsKey(name) && ConfigUtil.splitPath(path).size() == 1
        ? ConfigValueFactory.fromAnyRef(env.get(name), "environment variable " + name)
        : null;
  }

  @Override
  public ConfigResolver withFallback(ConfigResolver fallback) {
    return this;
  }
}
