package dev.portcullis.cli;

import com.typesafe.config.Config;
import dev.portcullis.config.ConfigFault;
import dev.portcullis.config.ConfigSource;
import java.util.Map;

/**
 * What {@code serve} was asked for.
 *
 * @param sets whole key to value, in order: {@code --data}, {@code --port} and {@code --management-port} are
 *     among them, {@code --set} wins over those
 */
public record ServeOptions(ConfigSource source, Map<String, String> sets) {
  /**
   * The settings with everything applied, without the libraries' defaults.
   *
   * @throws ConfigFault when they cannot be read or resolved
   */
  public Config load(Map<String, String> env) {
    return source.load(sets, env);
  }
}
