package dev.portcullis.ingress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.config.ConfigSource;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Sessions;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdmissionTest {
  private static final GatewayConfig.Limits LIMITS =
      new GatewayConfig.Limits(5, Duration.ofMinutes(1), 3, 4, 6);

  private static final Operations NO_OPERATIONS = new Operations() {
    @Override
    public GatewayStatus status() {
      return IngressRig.OPEN;
    }

    @Override
    public void drain(String by) {}
  };

  @TempDir Path data;
  private Instant now = Instant.parse("2026-01-02T03:04:05Z");
  private Admission admission;

  @BeforeEach
  void open() throws IOException {
    InstantSource source = () -> now;
    Clock clock = source.withZone(ZoneOffset.UTC);
    var credentials = Credentials.open(
        data,
        Map.of(
            "a", new GatewayConfig.Principal("a", Digests.hex("a"), Set.of("operator.read"), false),
            "b", new GatewayConfig.Principal("b", Digests.hex("b"), Set.of("operator.read"), false)),
        new SecureRandom());
    admission = new Admission(credentials, LIMITS, clock);
  }

  private int answer(String client, String token) {
    try {
      admission.authenticate(client, Optional.of(token));
      return 200;
    } catch (InputFault refused) {
      if (refused.problem().status() == 429) {
        assertTrue(Integer.parseInt(refused.problem().headers().get("Retry-After")) > 0);
      }
      return refused.problem().status();
    }
  }

  private List<Integer> guesses(int n) {
    return java.util.stream.IntStream.range(0, n).mapToObj(i -> answer("1.2.3.4", "guess " + i)).toList();
  }

  @Test
  @Tag("SEC-12")
  void whoeverGuessesHasToWaitAndIsNotLookedAtMeanwhile() {
    assertEquals(List.of(401, 401, 401, 401, 401, 429, 429), guesses(7));
    assertEquals(429, answer("1.2.3.4", "a"));
    now = now.plusSeconds(61);
    assertEquals(200, answer("1.2.3.4", "a"));
  }

  @Test
  @Tag("SEC-12")
  void aGuesserLocksOutNobodyWhoWasThereBeforeAndNobodyElsewhere() {
    assertEquals(200, answer("1.2.3.4", "a"));
    guesses(9);
    assertEquals(200, answer("1.2.3.4", "a"));
    assertEquals(429, answer("1.2.3.4", "b"));
    assertEquals(200, answer("5.6.7.8", "b"));
  }

  @Test
  @Tag("SEC-12")
  void aSuccessGivesAGuesserNothingBack() {
    guesses(4);
    assertEquals(200, answer("1.2.3.4", "a"));
    assertEquals(List.of(401, 429), guesses(2));
  }

  @Test
  @Tag("SEC-12")
  void aRequestWithoutATokenIsNoGuess() {
    for (int i = 0; i < 20; i++) {
      assertEquals(401, assertThrows(InputFault.class, () -> admission.authenticate("1.2.3.4", Optional.empty()))
          .problem().status());
    }
    assertEquals(200, answer("1.2.3.4", "a"));
  }

  private static String submit(Edge edge, String principal, int n) {
    var turn = new Sessions.Turn(
        new SessionKey("agent:main:" + principal + n), principal, "hi", List.of(), List.of());
    try {
      edge.sessionsOf(new Principal(principal, Set.of(Scope.WRITE))).submit(turn).toCompletableFuture().join();
      return "accepted";
    } catch (CompletionException refused) {
      return ((InputFault) refused.getCause()).problem().status() + "";
    }
  }

  @Test
  @Tag("SEC-56")
  void twoHundredAtOnceOpenAsManyRunsAsMayBeOpenAndTakeNothingFromAnother() throws Exception {
    var sessions = new RecordedSessions();
    sessions.script(new RunEvent.Started(1, "echo")); // It never ends.
    var config = GatewayConfig.from(new ConfigSource.Shipped().load(Map.of(), Map.of()));
    var edge = new Edge(config, sessions, new Harnesses(), NO_OPERATIONS,
        Credentials.open(data, Map.of(), new SecureRandom()), new IngressRig.Kept(), admission, Clock.systemUTC(), new SecureRandom());
    var answers = new ArrayList<CompletableFuture<String>>();
    for (int i = 0; i < 200; i++) {
      int n = i;
      answers.add(CompletableFuture.supplyAsync(() -> submit(edge, "a", n), Thread::startVirtualThread));
    }
    var seen = answers.stream().map(CompletableFuture::join).toList();
    assertTrue(Set.of("accepted", "429").containsAll(seen), seen.toString());
    assertTrue(sessions.submitted().size() <= 4, seen.toString());
    for (int i = 200; i < 205; i++) { // In a crowd some may be told to come again although there is room.
      submit(edge, "a", i);
    }
    assertEquals(4, sessions.submitted().size());
    assertEquals("429", submit(edge, "a", 300));
    assertEquals("accepted", submit(edge, "b", 1));
    assertEquals("accepted", submit(edge, "b", 2));
    assertEquals("429", submit(edge, "c", 1), "six are open in all");
  }

  @Test
  @Tag("SEC-56")
  void aPrincipalHasABudgetOfRequestsAndNotThatOfAnother() {
    var a = admission.authenticate("x", Optional.of("a"));
    var b = admission.authenticate("x", Optional.of("b"));
    assertEquals(List.of(2, 1, 0), List.of(
        admission.spend(a).remaining(), admission.spend(a).remaining(), admission.spend(a).remaining()));
    var refused = assertThrows(InputFault.class, () -> admission.spend(a)).problem();
    assertEquals("rate_limit_exceeded", refused.code());
    assertEquals("60", refused.headers().get("Retry-After"));
    assertEquals(2, admission.spend(b).remaining());
    now = now.plusSeconds(60);
    assertEquals(2, admission.spend(a).remaining());
  }
}
