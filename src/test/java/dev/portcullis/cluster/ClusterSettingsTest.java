package dev.portcullis.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.portcullis.config.ConfigSource;
import dev.portcullis.config.GatewayConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class ClusterSettingsTest {
  private static final Map<String, String> ENVIRONMENT = Map.of(
      "PORTCULLIS_DB_URL", "jdbc:postgresql://db/portcullis",
      "PORTCULLIS_NODE_HOST", "node-b",
      "PORTCULLIS_NODE_PORT", "7000",
      "PORTCULLIS_NODE_SEEDS", "node-a:25520, [::1]:25521,node-b:7000");

  private static GatewayConfig shipped() {
    return GatewayConfig.from(
        new ConfigSource.OwnFile(Path.of("conf/cluster.conf")).load(Map.of(), ENVIRONMENT));
  }

  private static Config pekko(GatewayConfig config) {
    return ClusterSettings.pekko(config)
        .withFallback(ConfigFactory.parseResources("system.conf"))
        .withFallback(ConfigFactory.defaultReferenceUnresolved())
        .resolve()
        .getConfig("pekko");
  }

  @Test
  void theShippedFileTakesPlaceAndCompanyFromTheEnvironment() {
    var cluster = shipped().cluster();
    assertTrue(cluster.enabled());
    assertEquals("node-b", cluster.host());
    assertEquals(7000, cluster.port());
    assertEquals(
        List.of(new GatewayConfig.Seed("node-a", 25520), new GatewayConfig.Seed("[::1]", 25521),
            new GatewayConfig.Seed("node-b", 7000)),
        cluster.seeds());
  }

  @Test
  @Tag("INV-C4")
  void theShippedFileKeepsTheMajoritySevenSecondsAfterTheLastChange() {
    var cluster = pekko(shipped()).getConfig("cluster");
    assertEquals(
        "org.apache.pekko.cluster.sbr.SplitBrainResolverProvider", cluster.getString("downing-provider-class"));
    var resolver = cluster.getConfig("split-brain-resolver");
    assertEquals("keep-majority", resolver.getString("active-strategy"));
    assertEquals(Duration.ofSeconds(7), resolver.getDuration("stable-after"));
    assertEquals("on", resolver.getString("down-all-when-unstable"));
    assertEquals("off", cluster.getString("down-removal-margin"), "others wait as long as it takes to stop");
  }

  @Test
  void aNodeOfSeveralListensWhereTheOthersLookForIt() {
    var artery = pekko(shipped()).getConfig("remote.artery");
    for (var side : new String[] {"canonical", "bind"}) {
      assertEquals("node-b", artery.getString(side + ".hostname"));
      assertEquals(7000, artery.getInt(side + ".port"));
    }
  }

  @Test
  void aRequestAsLargeAsAnyFitsIntoOneFrameToItsSessionOnAnotherNode() {
    var pekko = pekko(shipped());
    long body = shipped().http().bodyBytes();
    assertEquals(List.of("/system/sharding/session"),
        pekko.getStringList("remote.artery.large-message-destinations"));
    assertTrue(pekko.getBytes("remote.artery.advanced.maximum-large-frame-size") > body);
    assertTrue(pekko.getInt("serialization.jackson.read.max-string-length") > body);
  }

  @Test
  void sessionsGetAsMuchTimeToLeaveAsTheirAgentsGetToStop() {
    var config = shipped();
    var pekko = pekko(config);
    var grace = config.drain().grace();
    var leaving = pekko.getDuration("cluster.sharding.handoff-timeout");
    assertTrue(leaving.compareTo(grace) > 0, leaving::toString);
    var phase = pekko.getDuration("coordinated-shutdown.phases.cluster-sharding-shutdown-region.timeout");
    assertTrue(phase.compareTo(leaving) > 0, phase::toString);
    assertTrue(ClusterSettings.stopping(config).compareTo(phase) > 0);
  }

  @Test
  void aNodeOnItsOwnIsAskedForNothingMore() {
    var alone = GatewayConfig.from(new ConfigSource.Shipped().load(Map.of(), Map.of()));
    assertTrue(ClusterSettings.pekko(alone).getConfig("pekko").isEmpty());
    assertEquals("127.0.0.1", pekko(alone).getString("remote.artery.canonical.hostname"));
    assertEquals(0, pekko(alone).getInt("remote.artery.canonical.port"));
    assertEquals("", pekko(alone).getString("cluster.downing-provider-class"));
  }
}
