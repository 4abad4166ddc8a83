package dev.portcullis.config;

import com.typesafe.config.Config;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** All settings of one gateway; immutable, complete and checked. */
public record GatewayConfig(
    Path data,
    Http http,
    Management management,
    Boot boot,
    Drain drain,
    Run run,
    Session session,
    Images images,
    Approvals approvals,
    Retention retention,
    String defaultAgent,
    Map<String, AgentConfig> agents,
    Map<String, HarnessConfig> harnesses,
    Journal journal,
    Duration healthInterval,
    Alerts alerts,
    Map<String, Principal> principals,
    Limits limits,
    Cluster cluster,
    Sockets sockets) {

  /**
   * @param bodyBytes largest request body
   * @param viewerBytes most that is kept of what a viewer does not read
   * @param abandonAfter time without its client after which a call that nobody can find again is aborted
   * @param bodyDeadline longest time it may take to arrive
   * @param hosts further names under which the port may be asked; {@code *} for any
   * @param origins of pages besides its own that may ask, scheme, host and port
   * @param proxies networks of proxies whose {@code X-Forwarded-For} is believed
   */
  public record Http(
      String host, int port, int bodyBytes, Duration keepAlive, int viewerBytes, Duration abandonAfter,
      Duration bodyDeadline, List<String> hosts, List<String> origins, List<Network> proxies) {
    public Http {
      hosts = List.copyOf(hosts);
      origins = List.copyOf(origins);
      proxies = List.copyOf(proxies);
    }
  }

  /**
   * What one principal, or one address, may ask for.
   *
   * @param failures wrong credentials per address and {@code failureWindow} after which it has to wait
   * @param requests per minute and principal
   * @param openRuns runs in the sessions of one principal that have not ended
   * @param openRunsInAll the same over all principals
   */
  public record Limits(
      int failures, Duration failureWindow, int requests, int openRuns, int openRunsInAll) {}

  /**
   * The socket protocol.
   *
   * @param most sockets at once
   * @param pending sockets at once that have not logged in
   * @param pendingPerClient as {@code pending}, of one IPv4 address or one /64 of IPv6
   * @param login longest time until a socket has logged in
   * @param firstBytes longest message before that; later ones may be as long as the body of a request
   * @param bufferBytes events that may wait for a client that is slow to read
   * @param tick between two signs of life
   */
  public record Sockets(
      int most, int pending, int pendingPerClient, Duration login, int firstBytes, int bufferBytes,
      Duration tick) {}

  public record Management(String host, int port) {}

  public record Boot(Duration deadline, int loopLimit, Duration loopWindow) {}

  public record Drain(Duration deadline, Duration grace) {}

  /**
   * @param resumeDelays delay before resume attempt 1, 2, …; the last one repeats
   * @param outputChars most that is stored of what one attempt says and does
   */
  public record Run(
      Duration deadline,
      Duration idleDeadline,
      Duration harnessWait,
      int attempts,
      List<Duration> resumeDelays,
      Duration textInterval,
      Duration abortGrace,
      int outputChars) {
    public Run {
      resumeDelays = List.copyOf(resumeDelays);
    }
  }

  /**
   * What holds for every question of an agent.
   *
   * @param expire time after which it is answered with no
   * @param inputChars a longer action, title and input together, is denied: nobody could be shown all of it
   */
  public record Approvals(Duration expire, int inputChars) {}

  public record Session(int queueLimit, Duration keyRetention, Duration idle, int messageChars) {}

  /**
   * What a turn may bring of images.
   *
   * @param bytes of one, decoded
   * @param turnBytes of all of one turn
   */
  public record Images(int bytes, int turnBytes, int count) {}

  /**
   * How long ended runs are kept; forever is a thousand years.
   *
   * @param transcripts their texts
   * @param runs that they can still be looked up; not shorter
   * @param interval between two sweeps
   */
  public record Retention(Duration transcripts, Duration runs, Duration interval) {}

  public record Journal(Store store, long lowSpaceBytes) {}

  /** Where the journal lives. */
  public sealed interface Store {}

  /** @param implementation auto, native or java */
  public record LevelDb(String implementation) implements Store {}

  /**
   * @param user empty to leave it to the url, or to the name of this process's user
   * @param pool most connections at once
   * @param outage longest time that the database may be away
   */
  public record Postgresql(
      String url,
      String user,
      String password,
      String schema,
      int pool,
      boolean createSchema,
      Duration outage)
      implements Store {
    @Override
    public String toString() {
      return "Postgresql[url=" + url + ", schema=" + schema + "]";
    }
  }

  public record Alerts(List<Webhook> webhooks, Duration repeat, int perMinute) {
    public Alerts {
      webhooks = List.copyOf(webhooks);
    }
  }

  /** @param secret {@code whsec_} and base64, as Standard Webhooks has it */
  public record Webhook(String url, String secret) {
    @Override
    public String toString() {
      return "Webhook[url=" + url + "]";
    }
  }

  /**
   * @param tokenSha256 lower-case hex; the token itself is never configured
   * @param seesAll whether the sessions of others are there for it
   */
  public record Principal(String name, String tokenSha256, Set<String> scopes, boolean seesAll) {
    public Principal {
      scopes = Set.copyOf(scopes);
    }
  }

  /**
   * Several nodes over one store.
   *
   * @param host under which the other nodes reach this one; empty unless enabled
   * @param seeds nodes to join at, the first of which may found the cluster; empty unless enabled
   * @param stableAfter time without a change of who reaches whom before the lost side is declared gone
   * @param heartbeatPause time without a sign of life after which a node counts as unreachable
   */
  public record Cluster(
      boolean enabled, String host, int port, List<Seed> seeds, Duration stableAfter,
      Duration heartbeatPause) {
    public Cluster {
      seeds = List.copyOf(seeds);
    }
  }

  public record Seed(String host, int port) {}

  public GatewayConfig {
    agents = Map.copyOf(agents);
    harnesses = Map.copyOf(harnesses);
    principals = Map.copyOf(principals);
  }

  /**
   * Reads everything below {@code portcullis}.
   *
   * @throws ConfigFault naming the key when one is unknown, missing, of the wrong type or out of bounds
   */
  public static GatewayConfig from(Config root) {
    return new ConfigReader(root).gateway();
  }

  /**
   * The harnesses that agents name, fallbacks included: the ones that must stand before the gate opens;
   * sorted.
   */
  public Map<String, HarnessConfig> declared() {
    return agents.values().stream()
        .flatMap(agent -> agent.harnesses().stream())
        .distinct()
        .collect(Collectors.toMap(name -> name, harnesses::get, (first, _) -> first, TreeMap::new));
  }
}
