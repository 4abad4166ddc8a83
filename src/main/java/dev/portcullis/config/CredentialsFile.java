package dev.portcullis.config;

import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigValueFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/**
 * {@code <data>/credentials.json}: principals that were added while the gateway was there, in the shape that
 * they have in the settings, with digests only; and {@code <data>/token}, the owner's token. Why: adr/0017.
 */
public final class CredentialsFile {
  /** Where principals stand in the settings, and in this file. */
  public static final String KEY = "portcullis.auth.principals";

  private static final int TOKEN_BYTES = 32;

  private final PrivateFile file;
  private final PrivateFile token;

  public CredentialsFile(Path data) {
    this.file = new PrivateFile(data.resolve("credentials.json"));
    this.token = new PrivateFile(data.resolve("token"));
  }

  /** 256 random bits in hex. */
  public static String freshToken(RandomGenerator random) {
    var bytes = new byte[TOKEN_BYTES];
    random.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  /** SHA-256 in hex: what is kept of a token. */
  public static String digest(String token) {
    try {
      return HexFormat.of().formatHex(
          MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException(missing); // Every Java platform has it.
    }
  }

  /**
   * By name; empty when nobody was added.
   *
   * @throws ConfigFault when others may read the file, or it is not one of ours
   */
  public Map<String, GatewayConfig.Principal> read() throws IOException {
    if (!file.exists()) {
      return Map.of();
    }
    try {
      return new TreeMap<>(new ConfigReader(ConfigFactory.parseString(file.read())).principals());
    } catch (ConfigException malformed) { // Its message may quote what is in the file.
      throw ConfigFault.of(
          "portcullis.data", file.path() + " is not a file of credentials; restore or remove it");
    }
  }

  /** Puts these in the place of all that were there, after the checks that names get in the settings. */
  public void write(Map<String, GatewayConfig.Principal> principals) throws IOException {
    principals.keySet().forEach(ConfigReader::checkName);
    var entries = new TreeMap<String, Object>();
    principals.forEach((name, principal) -> entries.put(name, Map.of(
        "token-sha256", principal.tokenSha256(),
        "scopes", List.copyOf(principal.scopes()),
        "sessions", principal.seesAll() ? "all" : "own")));
    var root = ConfigValueFactory.fromMap(
        Map.of("portcullis", Map.of("auth", Map.of("principals", entries))));
    file.replace(root.render(ConfigRenderOptions.concise().setFormatted(true)));
  }

  /** Adds or replaces one. */
  public void put(GatewayConfig.Principal principal) throws IOException {
    var all = new TreeMap<>(read());
    all.put(principal.name(), principal);
    write(all);
  }

  /** False when there was none of this name. */
  public boolean remove(String name) throws IOException {
    var all = new TreeMap<>(read());
    if (!all.keySet().remove(name)) {
      return false;
    }
    write(all);
    return true;
  }

  public boolean hasToken() {
    return token.exists();
  }

  /** The owner's token, as far as it is one. */
  public String readToken() throws IOException {
    var text = token.read().strip();
    if (!text.matches("[\\x21-\\x7e]{43,}") || text.contains("${")) { // 43 of base64 hold 256 bits.
      throw ConfigFault.of(
          "portcullis.data", token.path() + " holds no token of 256 bits; remove it and a new one is made");
    }
    return text;
  }

  public void writeToken(String text) throws IOException {
    token.replace(text + "\n");
  }
}
