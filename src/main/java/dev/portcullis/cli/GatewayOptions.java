package dev.portcullis.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.portcullis.config.GatewayConfig;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How to reach a running gateway. */
final class GatewayOptions {
  @Option(names = "--url", paramLabel = "URL",
      description =
          "The gateway. Default: run/addresses.json in the data directory, then the configured port.")
  private String url = "";

  @Option(names = "--token", paramLabel = "TOKEN",
      description = "Credential. Default: PORTCULLIS_TOKEN, then the file token in the data directory.")
  private String token = "";

  @Mixin private SettingsOptions settings = new SettingsOptions();

  /** Whether a gateway was named, so that it is meant and no data directory. */
  boolean named() {
    return !url.isEmpty();
  }

  /** Whether a gateway of the data directory has its port open, as far as it has said. */
  boolean runs(Console console) {
    return Addresses.read(settings.read(console).data())
        .flatMap(found -> ProcessHandle.of(found.pid()))
        .filter(ProcessHandle::isAlive)
        .isPresent();
  }

  GatewayConfig config(Console console) {
    return settings.read(console);
  }

  GatewayClient connect(Console console) {
    var given = token.isEmpty() ? console.env().getOrDefault("PORTCULLIS_TOKEN", "") : token;
    if (!url.isEmpty() && !given.isEmpty()) {
      var address = address(url);
      return new GatewayClient(() -> address, given);
    }
    var config = settings.read(console);
    return new GatewayClient(address(config), given.isEmpty() ? fileToken(config.data()) : given);
  }

  /** Looked up for every request: a gateway that has started again may listen elsewhere. */
  private Supplier<URI> address(GatewayConfig config) {
    if (!url.isEmpty()) {
      var address = address(url);
      return () -> address;
    }
    var host = config.http().host().matches("0\\.0\\.0\\.0|::") ? "127.0.0.1" : config.http().host();
    var configured =
        address("http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + config.http().port());
    return () -> Addresses.read(config.data()).map(found -> address(found.http())).orElse(configured);
  }

  private static URI address(String text) {
    try {
      return URI.create(text.replaceAll("/+$", ""));
    } catch (IllegalArgumentException malformed) {
      throw CliFault.of(CliFault.Code.REFUSED, "\"" + text + "\" is not an address; write http://HOST:PORT.");
    }
  }

  /** The first principal's token. */
  static String fileToken(Path data) {
    var file = data.resolve("token");
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw CliFault.of(CliFault.Code.FORBIDDEN, "There is no readable token at " + file
          + "; start the gateway there first, name its directory with --data, or set PORTCULLIS_TOKEN.", e);
    }
  }

  /** {@code run/addresses.json}: written while the ingress port is open. */
  record Addresses(String http, String management, long pid) {
    static Optional<Addresses> read(Path data) {
      var file = data.resolve("run").resolve("addresses.json");
      try {
        var json = new JsonMapper().readTree(Files.readString(file));
        return Optional.of(new Addresses(
            json.path("http").asText(), json.path("management").asText(), json.path("pid").asLong()));
      } catch (IOException absent) {
        return Optional.empty();
      }
    }
  }
}
