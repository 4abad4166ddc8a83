package dev.portcullis.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class GatewayConfigTest {
  private static final String SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

  @TempDir Path directory;

  @Test void theShippedFileLoadsAndIsWhatTheJarHolds() {
    var config = GatewayConfig.from(new ConfigSource.Shipped().load(Map.of(), Map.of()));

    assertEquals(Path.of("data").toAbsolutePath(), config.data());
    assertEquals(8420, config.http().port());
    assertEquals(4 << 20, config.http().bodyBytes());
    assertEquals(Duration.ofSeconds(90), config.drain().deadline());
    assertEquals(List.of(Duration.ZERO, Duration.ofSeconds(30), Duration.ofSeconds(300)),
        config.run().resumeDelays());
    assertEquals(Map.of("echo", new HarnessConfig.Echo("echo")), config.declared());
    assertEquals(config.data().resolve("workspaces/main"), config.agents().get("main").workspace());
  }

  static Stream<String> shippedKeys() {
    var keys = new ArrayList<String>();
    leaves(shipped(), "", keys);
    return keys.stream();
  }

  @ParameterizedTest
  @MethodSource("shippedKeys")
  void everyShippedKeyHasAComment(String key) {
    assertFalse(ConfigFactory.parseFile(Path.of("conf/application.conf").toFile()).resolve().getValue(key)
        .origin().comments().isEmpty());
  }

  @ParameterizedTest
  @MethodSource("shippedKeys")
  @Tag("F-2")
  void everyShippedKeyRefusesTheWrongTypeByName(String key) {
    var wrong =
        shipped().toConfig().withValue(key, ConfigFactory.parseString("x = [{ odd = [1] }]").getValue("x"));

    assertNames(key, assertThrows(ConfigFault.class, () -> GatewayConfig.from(wrong)));
  }

  @ParameterizedTest
  @MethodSource("shippedKeys")
  @Tag("F-2")
  void everyShippedKeyThatIsMissingIsNamedOrHasAMeaning(String key) {
    var lacking = shipped().toConfig().withoutPath(key);
    var optional = key.startsWith("portcullis.agents.main.") && !key.endsWith(".harness");

    if (optional) {
      assertEquals("main", GatewayConfig.from(lacking).agents().get("main").id());
    } else {
      assertThrows(ConfigFault.class, () -> GatewayConfig.from(lacking));
    }
  }

  @ParameterizedTest
  @CsvSource({
      "portcullis.data, ''",
      "portcullis.http.interface, ' '",
      "portcullis.http.port, -1",
      "portcullis.http.port, 65536",
      "portcullis.http.port, 80.5",
      "portcullis.http.port, http",
      "portcullis.http.body-bytes, 1023",
      "portcullis.http.body-bytes, 65MiB",
      "portcullis.http.keep-alive, 0s",
      "portcullis.http.abandon-after, 0s",
      "portcullis.sockets.most, 0",
      "portcullis.sockets.pending, 0",
      "portcullis.sockets.pending-per-client, 10001",
      "portcullis.sockets.login, 0s",
      "portcullis.sockets.first-bytes, 1023",
      "portcullis.sockets.buffer-bytes, 65MiB",
      "portcullis.sockets.tick, 31s",
      "portcullis.management.port, 65536",
      "portcullis.boot.deadline, 0s",
      "portcullis.boot.loop-limit, 1",
      "portcullis.boot.loop-window, 0s",
      "portcullis.drain.deadline, -1s",
      "portcullis.drain.grace, 0s",
      "portcullis.run.deadline, 0s",
      "portcullis.run.idle-deadline, soon",
      "portcullis.run.harness-wait, -1s",
      "portcullis.run.attempts, 0",
      "portcullis.run.attempts, 11",
      "portcullis.run.resume-delays, []",
      "portcullis.run.text-interval, -1ms",
      "portcullis.run.abort-grace, 0s",
      "portcullis.run.output-chars, 0",
      "portcullis.session.queue-limit, 0",
      "portcullis.session.key-retention, 0s",
      "portcullis.retention.transcripts, 0s",
      "portcullis.retention.transcripts, always",
      "portcullis.retention.runs, 89d",
      "portcullis.retention.runs, -1d",
      "portcullis.retention.interval, 0s",
      "portcullis.retention.interval, forever",
      "portcullis.session.idle, 0s",
      "portcullis.session.message-chars, 0",
      "portcullis.default-agent, nobody",
      "portcullis.agents.main.harness, nothing",
      "portcullis.agents.main.fallbacks, [nothing]",
      "portcullis.agents.main.fallbacks, [echo]",
      "portcullis.agents.main.queue, later",
      "portcullis.agents.main.on-uncertain, guess",
      "portcullis.agents.main.approvals, perhaps",
      "portcullis.agents.main.approvals.read, perhaps",
      "portcullis.agents.main.approvals.default, often",
      "portcullis.approvals.expire, 0s",
      "portcullis.approvals.input-chars, 0",
      "portcullis.approvals.input-chars, 16777217",
      "portcullis.harnesses.echo.kind, parrot",
      "portcullis.journal.store, paper",
      "portcullis.journal.leveldb.implementation, rust",
      "portcullis.journal.low-space, 0",
      "portcullis.journal.postgresql.pool, 1",
      "portcullis.journal.postgresql.create-schema, maybe",
      "portcullis.journal.postgresql.outage, 0s",
      "portcullis.health.interval, 61s",
      "portcullis.alerts.repeat, 0s",
      "portcullis.alerts.per-minute, 0"
  })
  @Tag("F-2")
  void aValueOutOfBoundsIsRefusedByName(String key, String value) {
    assertNames(key, refused(Map.of(key, value)));
  }

  @ParameterizedTest
  @CsvSource({
      "portcullis.http.prot, 1",
      "portcullis.agents.main.model, x",
      "portcullis.agents.main.approvals.shell, allow",
      "portcullis.harnesses.echo.command, x",
      "portcullis.new-thing.on, true"
  })
  @Tag("F-2")
  void anUnknownKeyIsRefusedByName(String key, String value) {
    assertNames(key, refused(Map.of(key, value)));
  }

  @Test void foreverIsLongerThanAnyOtherTimeAndCanBeTakenFromNow() {
    var config = GatewayConfig.from(new ConfigSource.Shipped().load(
        Map.of("portcullis.retention.transcripts", "forever", "portcullis.retention.runs", "forever"), Map.of()));

    assertEquals(config.retention().transcripts(), config.retention().runs());
    assertTrue(Instant.EPOCH.minus(config.retention().runs()).isBefore(Instant.parse("0971-01-01T00:00:00Z")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"policy", "expiry", "expired", "harness"})
  @Tag("SEC-24")
  void aPrincipalCannotHaveANameUnderWhichTheGatewayDecides(String name) {
    var key = "portcullis.auth.principals." + name;
    assertNames(key, refused(Map.of(key, "{ token-sha256 = " + "0".repeat(64) + ", scopes = [] }")));
  }

  private static ApprovalPolicy policy(String value) {
    return GatewayConfig.from(
            new ConfigSource.Shipped().load(Map.of("portcullis.agents.main.approvals", value), Map.of()))
        .agents().get("main").approvals();
  }

  @Test void oneWordAnswersForEveryKindOfTool() {
    for (var kind : ApprovalPolicy.KINDS) {
      assertEquals(AgentConfig.Approvals.DENY, policy("deny").of(kind));
    }
  }

  @ParameterizedTest
  @CsvSource({"read, ALLOW", "edit, DENY", "execute, ASK", "search, DENY", "other, ALLOW", "new-kind, ALLOW", "'', ALLOW"})
  void anAnswerIsFoundByTheKindOfToolAndAnUnknownKindIsAnother(String kind, AgentConfig.Approvals answer) {
    assertEquals(answer, policy("{ default = deny, read = allow, execute = ask, other = allow }").of(kind));
  }

  @Test void aKindThatIsNotNamedIsAskedAboutUnlessTheDefaultSaysOtherwise() {
    assertEquals(AgentConfig.Approvals.ASK, policy("{ read = allow }").of("execute"));
    assertEquals(AgentConfig.Approvals.ASK, policy("{ read = allow }").of("new-kind"));
  }

  @Test void aNameThatCannotStandInASessionKeyIsRefused() {
    assertNames("portcullis.agents", refused(Map.of("portcullis.agents.\"a:b\"", "{ harness = echo }")));
  }

  @Test void theEnvironmentReplacesTheDefaultAndSetWinsOverIt() {
    var env = Map.of("PORTCULLIS_DATA", "/srv/gate", "PORTCULLIS_PORT", "9000", "PORTCULLIS_MANAGEMENT_PORT",
        "9001");

    var config =
        GatewayConfig.from(new ConfigSource.Shipped().load(Map.of("portcullis.http.port", "0"), env));

    assertEquals(Path.of("/srv/gate"), config.data());
    assertEquals(0, config.http().port());
    assertEquals(9001, config.management().port());
  }

  @Test void anOwnFileNeedsOnlyWhatDiffers() throws Exception {
    var file = Files.writeString(directory.resolve("own.conf"), "portcullis.http.port = 9100");

    var config = GatewayConfig.from(new ConfigSource.OwnFile(file).load(Map.of(), Map.of()));

    assertEquals(9100, config.http().port());
    assertEquals("main", config.defaultAgent());
  }

  @Test void aFileThatIsMissingOrBrokenIsNamed() throws Exception {
    var missing = new ConfigSource.OwnFile(directory.resolve("none.conf"));
    var broken = new ConfigSource.OwnFile(
        Files.writeString(directory.resolve("broken.conf"), "portcullis { http = ["));

    assertNames("none.conf", assertThrows(ConfigFault.class, () -> missing.load(Map.of(), Map.of())));
    assertNames("broken.conf", assertThrows(ConfigFault.class, () -> broken.load(Map.of(), Map.of())));
  }

  @Test void aSecretThatIsNotSetIsRefusedByTheKeyThatNeedsIt() throws Exception {
    var file = Files.writeString(directory.resolve("own.conf"),
        "portcullis.harnesses.oc { kind = acp, command = oc, env { KEY = ${NO_SUCH_SECRET} } }");
    var source = new ConfigSource.OwnFile(file);

    assertNames("portcullis.harnesses.oc.env.KEY",
        assertThrows(ConfigFault.class, () -> source.load(Map.of(), Map.of())));
    assertEquals("s3",
        source.load(Map.of(), Map.of("NO_SUCH_SECRET", "s3")).getString("portcullis.harnesses.oc.env.KEY"));
  }

  @Test void anAcpHarnessIsReadWithItsDefaultsAndKeepsItsSecretsToItself() {
    var sets = Map.of("portcullis.harnesses.oc",
        "{ kind = acp, command = oc, args = [acp], env { KEY = s3cret, NONE = \"\" } }",
        "portcullis.agents.main.fallbacks", "[oc]");

    var config = GatewayConfig.from(new ConfigSource.Shipped().load(sets, Map.of()));

    assertEquals(
        new HarnessConfig.Acp(new HarnessConfig.Program("oc", "oc", List.of("acp"), Map.of("KEY", "s3cret", "NONE", ""), 4,
            Duration.ofMinutes(5),
            Duration.ofSeconds(60))),
        config.harnesses().get("oc"));
    assertEquals(List.of("echo", "oc"), List.copyOf(config.declared().keySet()));
    assertFalse(config.toString().contains("s3cret"));
  }

  @Test void aHarnessThatNoAgentNamesIsNotDeclared() {
    var config = GatewayConfig.from(new ConfigSource.Shipped()
        .load(Map.of("portcullis.harnesses.spare", "{ kind = echo }"), Map.of()));

    assertEquals(List.of("echo"), List.copyOf(config.declared().keySet()));
  }

  @Test void aWebhookIsReadAndItsSecretIsNeverPrinted() {
    var hook = "[{ url = \"https://ops.example/hook\", secret = \"" + SECRET + "\" }]";

    var config = GatewayConfig.from(new ConfigSource.Shipped()
        .load(Map.of("portcullis.alerts.webhooks", hook), Map.of()));

    assertEquals(List.of(new GatewayConfig.Webhook("https://ops.example/hook", SECRET)),
        config.alerts().webhooks());
    assertFalse(config.toString().contains(SECRET));
  }

  @Test void aDatabaseIsReadFromTheEnvironmentAndItsPasswordIsNeverPrinted() {
    var config = GatewayConfig.from(new ConfigSource.Shipped().load(
        Map.of("portcullis.journal.store", "postgresql"),
        Map.of("PORTCULLIS_DB_URL", "jdbc:postgresql://db/gate", "PORTCULLIS_DB_USER", "gate",
            "PORTCULLIS_DB_PASSWORD", "s3cret")));

    assertEquals(
        new GatewayConfig.Postgresql("jdbc:postgresql://db/gate", "gate", "s3cret", "portcullis", 8, true,
            Duration.ofSeconds(30)),
        config.journal().store());
    assertFalse(config.toString().contains("s3cret"));
  }

  @ParameterizedTest
  @CsvSource({
      "portcullis.journal.postgresql.url, mysql://db/gate",
      "portcullis.journal.postgresql.url, jdbc:postgresql://db/gate?password=s3cret",
      "portcullis.journal.postgresql.url, jdbc:postgresql://gate:s3cret@db/gate",
      "portcullis.journal.postgresql.schema, Robert'); drop"
  })
  void aDatabaseThatCannotBeMeantIsRefusedWithoutShowingItsPassword(String key, String value) {
    var sets = new HashMap<>(Map.of(
        "portcullis.journal.store", "postgresql", "portcullis.journal.postgresql.url", "jdbc:postgresql://db/gate"));
    sets.put(key, value);

    var fault = refused(sets);

    assertNames(key, fault);
    assertFalse(fault.getMessage().contains("s3cret"));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "portcullis.alerts.webhooks.url    | [{ url = \"ftp://x\", secret = " + SECRET + " }]",
      "portcullis.alerts.webhooks.url    | [{ secret = " + SECRET + " }]",
      "portcullis.alerts.webhooks.secret | [{ url = \"https://x.example\", secret = abc }]",
      "portcullis.alerts.webhooks.secret | [{ url = \"https://x.example\", secret = \"whsec_c2hvcnQ=\" }]",
      "portcullis.alerts.webhooks.ulr    | [{ ulr = 1, url = \"https://x.example\", secret = " + SECRET
          + " }]"
  })
  void aWebhookThatCannotBeSignedOrCalledIsRefused(String key, String hooks) {
    assertNames(key, refused(Map.of("portcullis.alerts.webhooks", hooks)));
  }

  @Test void aPrincipalNeedsADigestAndScopes() {
    var good = "{ token-sha256 = \"" + "AB".repeat(32) + "\", scopes = [operator] }";
    var config = GatewayConfig.from(new ConfigSource.Shipped()
        .load(Map.of("portcullis.auth.principals.ci", good), Map.of()));

    assertEquals("ab".repeat(32), config.principals().get("ci").tokenSha256());
    assertNames("portcullis.auth.principals.ci.token-sha256",
        refused(Map.of("portcullis.auth.principals.ci", "{ token-sha256 = abc, scopes = [operator] }")));
    assertNames("portcullis.auth.principals.ci.scopes",
        refused(Map.of("portcullis.auth.principals.ci", "{ token-sha256 = \"" + "ab".repeat(32) + "\" }")));
  }

  @ParameterizedTest
  @CsvSource({"0.0.0.0", "'::'", "10.1.2.3", "no-such-host.invalid"})
  @Tag("SEC-09")
  void aPortOffLoopbackNeedsAProxyThatEndsTls(String host) {
    assertNames("portcullis.http.interface", refused(Map.of("portcullis.http.interface", '"' + host + '"')));
  }

  @Test @Tag("SEC-09") void behindATrustedProxyThePortMayBeOffLoopback() {
    var config = GatewayConfig.from(new ConfigSource.Shipped().load(Map.of(
        "portcullis.http.interface", "\"0.0.0.0\"", "portcullis.http.trusted-proxies", "\"10.0.0.0/8, ::1\""), Map.of()));
    assertEquals(2, config.http().proxies().size());
    assertNames("portcullis.http.trusted-proxies",
        refused(Map.of("portcullis.http.trusted-proxies", "[\"10.0.0.0/99\"]")));
    assertNames("portcullis.http.origins", refused(Map.of("portcullis.http.origins", "[\"https://a.example/\"]")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"__proto__", "constructor", "prototype"})
  @Tag("SEC-52")
  void whatBrowsersStumbleOverIsNoPrincipal(String name) {
    var key = "portcullis.auth.principals." + name;
    refused(Map.of(key, "{ token-sha256 = " + "0".repeat(64) + ", scopes = [] }"));
  }

  @Test void setTakesPlainTextWithoutQuotesAndKeysWithoutThePrefix() {
    var config = new ConfigSource.Shipped().load(
        Map.of("portcullis.data", "/a//b #c", "pekko.loglevel", "DEBUG"), Map.of());

    assertEquals("/a//b #c", config.getString("portcullis.data"));
    assertEquals("DEBUG", config.getString("pekko.loglevel"));
    assertEquals(8500, new ConfigSource.Shipped().load(Map.of("http.port", "8500"), Map.of())
        .getInt("portcullis.http.port"));
    assertNames("portcullis.htp.port", refused(Map.of("htp.port", "1")));
    assertNames("portcullis.alerts.webhooks", refused(Map.of("portcullis.alerts.webhooks", "[{")));
  }

  static ConfigFault refused(Map<String, String> sets) {
    return assertThrows(
        ConfigFault.class,
            () -> GatewayConfig.from(new ConfigSource.Shipped().load(new HashMap<>(sets), Map.of())));
  }

  static void assertNames(String name, ConfigFault fault) {
    assertTrue(fault.getMessage().contains(name), fault.getMessage());
  }

  private static ConfigObject shipped() {
    return ConfigFactory.parseFile(Path.of("conf/application.conf").toFile()).resolve().root();
  }

  private static void leaves(ConfigObject object, String prefix, List<String> into) {
    for (var entry : object.entrySet()) {
      var key = prefix + entry.getKey();
      if (entry.getValue() instanceof ConfigObject inner && !inner.isEmpty()) {
        leaves(inner, key + ".", into);
      } else {
        into.add(key);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
      "portcullis.cluster.host, ''",
      "portcullis.cluster.seeds, ''",
      "portcullis.cluster.seeds, 'a:25520,b'",
      "portcullis.cluster.seeds, 'a:25520,b:70000'",
      "portcullis.cluster.port, 0",
      "portcullis.cluster.stable-after, 0s",
  })
  @Tag("F-2")
  void aNodeOfSeveralIsRefusedByTheNameOfWhatItLacks(String key, String value) {
    var sets = new HashMap<>(Map.of(
        "portcullis.cluster.enabled", "true",
        "portcullis.cluster.host", "a",
        "portcullis.cluster.seeds", "a:25520",
        "portcullis.journal.store", "postgresql",
        "portcullis.journal.postgresql.url", "jdbc:postgresql://db/portcullis"));
    GatewayConfig.from(new ConfigSource.Shipped().load(sets, Map.of()));
    sets.put(key, value);

    assertNames(key, assertThrows(ConfigFault.class, () ->
        GatewayConfig.from(new ConfigSource.Shipped().load(sets, Map.of()))));
  }

  @Test void severalNodesNeedAStoreThatTheyShare() {
    var sets = Map.of("portcullis.cluster.enabled", "true", "portcullis.cluster.host", "a",
        "portcullis.cluster.seeds", "a:25520");

    assertNames("portcullis.cluster.enabled", assertThrows(ConfigFault.class, () ->
        GatewayConfig.from(new ConfigSource.Shipped().load(sets, Map.of()))));
  }
}
