package dev.portcullis.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.portcullis.config.GatewayConfig;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;

/** From our settings to those of Pekko. A node on its own needs none. */
public final class ClusterSettings {
  /** What a session gets to leave a node beyond the grace of its attempt: the last writes. */
  private static final Duration MARGIN = Duration.ofSeconds(10);
  /** What a frame has besides the body of a request. */
  private static final int FRAME_REST = 1 << 20;

  private ClusterSettings() {}

  /** To be laid over what the program asks of Pekko on a single node; empty unless enabled. */
  public static Config pekko(GatewayConfig config) {
    var cluster = config.cluster();
    var keys = new HashMap<String, Object>();
    if (cluster.enabled()) {
      for (var side : new String[] {"canonical", "bind"}) {
        keys.put("remote.artery." + side + ".hostname", cluster.host());
        keys.put("remote.artery." + side + ".port", cluster.port());
      }
      // A turn with images goes to its session on another node, beside what must never wait behind it.
      keys.put("remote.artery.large-message-destinations", List.of("/system/sharding/session"));
      keys.put("remote.artery.advanced.maximum-large-frame-size", FRAME_REST + config.http().bodyBytes());
      keys.put("remote.artery.advanced.large-buffer-pool-size", 4);
      keys.put("serialization.jackson.read.max-string-length", FRAME_REST + config.http().bodyBytes());
      keys.put("cluster.downing-provider-class", "org.apache.pekko.cluster.sbr.SplitBrainResolverProvider");
      keys.put("cluster.split-brain-resolver.active-strategy", "keep-majority");
      keys.put("cluster.split-brain-resolver.stable-after", cluster.stableAfter());
      keys.put("cluster.split-brain-resolver.down-all-when-unstable", "on");
      keys.put("cluster.failure-detector.acceptable-heartbeat-pause", cluster.heartbeatPause());
      // A node that is declared gone must end its agents at once, not hand its sessions over in order.
      keys.put("cluster.run-coordinated-shutdown-when-down", "off");
      keys.put("cluster.sharding.handoff-timeout", leaving(config));
      keys.put("coordinated-shutdown.phases.cluster-sharding-shutdown-region.timeout",
          leaving(config).plus(MARGIN));
    }
    return ConfigFactory.parseMap(keys, "portcullis.cluster").atPath("pekko");
  }

  /** The longest that the actor system may take to stop in order. */
  public static Duration stopping(GatewayConfig config) {
    return config.cluster().enabled() ? leaving(config).plus(MARGIN.multipliedBy(2)) : Duration.ofSeconds(5);
  }

  private static Duration leaving(GatewayConfig config) {
    return config.drain().grace().plus(MARGIN);
  }
}
