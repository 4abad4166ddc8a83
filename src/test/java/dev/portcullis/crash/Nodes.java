package dev.portcullis.crash;

import dev.portcullis.journal.PostgresServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;

/**
 * Gateways that are the nodes of one cluster: a process and a data directory each, one schema of the database for
 * all, and the shipped settings for several nodes. Closing it kills what is left of them.
 */
final class Nodes implements AutoCloseable {
  private final Path directory;
  private final List<String> settings;
  private final String schema = PostgresServer.freshSchema();
  private final List<String> addresses = new ArrayList<>();
  private final List<GatewayProcess> started = new ArrayList<>();

  /** @param settings of all nodes, keys and values in turns */
  Nodes(Path directory, int count, Random random, List<String> settings) {
    this.directory = directory;
    this.settings = List.copyOf(settings);
    try {
      Files.createDirectories(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    for (int n = 0; n < count; n++) {
      addresses.add(freeAddress(random));
    }
  }

  /** On a loopback address of its own, where no other process of this machine will take the port meanwhile. */
  private static String freeAddress(Random random) {
    var host = "127." + (1 + random.nextInt(254)) + "." + random.nextInt(256) + "." + (1 + random.nextInt(254));
    try (var socket = new ServerSocket(0, 1, InetAddress.getByName(host))) {
      return host + ":" + socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  GatewayProcess.Launch launch(int node) {
    var address = addresses.get(node).split(":");
    var launch = GatewayProcess.on(directory.resolve("node" + node))
        .environment("PORTCULLIS_NODE_HOST", address[0])
        .environment("PORTCULLIS_NODE_PORT", address[1])
        .environment("PORTCULLIS_NODE_SEEDS", addresses.stream().collect(Collectors.joining(",")))
        .environment("PORTCULLIS_DB_URL", PostgresServer.url())
        .environment("PORTCULLIS_DB_USER", PostgresServer.USER)
        .argument("--config", Path.of("conf", "cluster.conf").toAbsolutePath().toString())
        .set("portcullis.journal.postgresql.schema", schema)
        .set("portcullis.run.resume-delays", "[0s]")
        // How long the first node looks for a cluster that is there already.
        .set("pekko.cluster.seed-node-timeout", "1s");
    for (int i = 0; i < settings.size(); i += 2) {
      launch.set(settings.get(i), settings.get(i + 1));
    }
    return launch;
  }

  GatewayProcess start(GatewayProcess.Launch launch) {
    var gateway = launch.start();
    started.add(gateway);
    return gateway;
  }

  /** All of them, ready. */
  List<GatewayProcess> form() {
    for (int n = 0; n < addresses.size(); n++) {
      start(launch(n));
    }
    return started.stream().map(GatewayProcess::awaitReady).toList();
  }

  String tails() {
    return started.stream().map(GatewayProcess::tail).collect(Collectors.joining("\n----"));
  }

  @Override
  public void close() {
    started.forEach(GatewayProcess::close);
  }
}
