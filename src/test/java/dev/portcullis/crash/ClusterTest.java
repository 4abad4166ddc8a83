package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three gateways over one PostgreSQL: each serves every session, and what one leaves open another ends. */
class ClusterTest {
  private static final Set<String> TERMINAL = Set.of("completed", "failed", "aborted");
  private static final int TEMPORARY = 75;
  private static final int RETIRED = 76;
  private static final int NODES = 3;
  private static final int USERS = 4;
  /** Eight seconds: longer than it takes to begin, shorter than anybody wants to wait. */
  private static final String WORDS = " [[echo words=16 gap=500ms]]";
  private static final int ROUNDS = Integer.getInteger("crash.rounds", 20);
  /** So that a build need not wait as long as an operator would. */
  private static final List<String> SHORT = List.of("portcullis.cluster.stable-after", "3s");
  /** Detection, stable-after, the same time again before others take over, and a slow machine. */
  private static final Duration FAILOVER = Duration.ofSeconds(60);

  @TempDir Path directory;

  private final long seed = Long.getLong("crash.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final List<Client> clients = new ArrayList<>();

  @AfterEach
  void closeClients() {
    clients.forEach(Client::close);
  }

  private Client client(GatewayProcess gateway) {
    var client = gateway.client();
    clients.add(client);
    return client;
  }

  private static List<String> types(List<JsonNode> events) {
    return events.stream().map(event -> event.path("type").asText()).toList();
  }

  private static List<JsonNode> of(List<JsonNode> events, String type) {
    return events.stream().filter(event -> event.path("type").asText().equals(type)).toList();
  }

  /** Waits, however often nobody can say at once how it stands because its session has no home just now. */
  private static JsonNode awaitEnd(Client client, String run) {
    return Await.value("the end of " + run, FAILOVER, () ->
        Optional.of(client.get("/api/v1/runs/" + run + "?wait=5s").json()).filter(view -> view.hasNonNull("endedAt")));
  }

  private static void assertClosedAccount(Client client, long accepted) {
    Await.until("the account of " + accepted + " runs", Duration.ofSeconds(45), () ->
        client.counts().path("accepted").asLong() == accepted && client.counts().path("terminal").asLong() == accepted);
    assertEquals(0, client.counts().path("open").asLong());
    assertEquals(0, client.counts().path("parked").asLong());
    client.rows().forEach(row -> assertFalse(row.path("hasActiveRun").asBoolean(), row::toString));
  }

  private static void oneEnd(Client client, String run) {
    var types = types(client.events(run));
    assertEquals(1, types.stream().filter(TERMINAL::contains).count(), () -> run + ": " + types);
    assertTrue(TERMINAL.contains(types.getLast()), () -> "after the end of " + run + ": " + types);
    assertEquals(run, client.run(run).path("id").asText());
  }

  @Test
  @Tag("INV-A2")
  @Tag("INV-A7")
  void aTurnSubmittedThroughAnyNodeIsReadAndListedThroughEveryOther() {
    try (var nodes = new Nodes(directory, NODES, random, SHORT)) {
      var all = nodes.form().stream().map(this::client).toList();
      int runs = 0;
      for (var from : all) {
        for (int s = 0; s < 4; s++) {
          var session = "s" + runs++;
          var run = from.submit(session, session + " [[echo words=3 gap=30ms]]").text("runId");
          assertEquals("completed", types(from.events(run)).getLast());
          long rev = from.row(session).path("rev").asLong();
          for (var through : all) {
            knows(through, session, rev);
            assertEquals("completed", types(through.events(run)).getLast());
            var row = through.row(session);
            assertEquals(run, row.path("lastRunId").asText(), row::toString);
            assertFalse(row.path("hasActiveRun").asBoolean(), () -> "its end was seen through this node: " + row);
            assertEquals(run, through.run(run).path("id").asText());
          }
        }
      }
      for (var through : all) {
        assertClosedAccount(through, runs);
      }
      assertTrue(all.getFirst().get("/api/v1/sessions/s0?minRev=1000000").json().path("stale").asBoolean());
    }
  }

  /** The list that is asked for with what was seen through another node. */
  private static void knows(Client through, String session, long rev) {
    var list = through.get("/api/v1/sessions?minRev=" + rev + "@" + session).json();
    assertFalse(list.path("stale").asBoolean(), list::toString);
    for (var row : list.path("data")) {
      if (row.path("key").asText().endsWith(":" + session)) {
        assertTrue(row.path("rev").asLong() >= rev, row::toString);
        return;
      }
    }
    throw new AssertionError(session + " is not in " + list);
  }

  @Test
  @Tag("INV-C4")
  @Tag("M3")
  void everyRunOfAKilledNodeEndsOnceOnAnotherUnderItsOwnId() {
    kill(SHORT, 0);
  }

  @Test
  @Tag("torture")
  @Tag("INV-C4")
  void everyRunOfAKilledNodeEndsOnceOnAnotherUnderItsOwnIdAlsoWithTheShippedTimes() {
    for (int round = 0; round < Math.max(3, ROUNDS / 10); round++) {
      kill(List.of(), round);
    }
  }

  private void kill(List<String> times, int round) {
    try (var nodes = new Nodes(directory.resolve("round" + round), NODES, random, times)) {
      var gateways = nodes.form();
      var all = gateways.stream().map(this::client).toList();
      var runs = begin(all, 24, WORDS);
      int victim = random.nextInt(NODES);
      var survivors = IntStream.range(0, NODES).filter(n -> n != victim).mapToObj(all::get).toList();
      var ids = List.copyOf(runs.values());
      try (var followers = new Followers(survivors.getLast(), ids);
          var users = new Users(survivors, (client, turn) ->
              client.get("/api/v1/runs/" + ids.get(turn % ids.size())))) {
        var killedAt = Instant.now();
        gateways.get(victim).kill9();
        ids.forEach(run ->
            assertEquals("completed", awaitEnd(survivors.getFirst(), run).path("status").asText(), nodes::tails));
        for (var survivor : survivors) {
          ids.forEach(run -> oneEnd(survivor, run));
          assertClosedAccount(survivor, runs.size());
        }
        runs.forEach((session, run) -> assertEquals(run, submit(survivors.getLast(), session, WORDS)));
        followers.check();
        var seen = users.stop();
        assertEquals(Map.of(), seen.wrong(), nodes::tails);

        var events = ids.stream().flatMap(run -> survivors.getFirst().events(run).stream()).toList();
        var resumed = of(events, "resumed").stream()
            .map(event -> Duration.between(killedAt, Instant.parse(event.path("at").asText())).toMillis())
            .sorted()
            .toList();
        assertFalse(resumed.isEmpty(), "nothing ran on the node that was killed");
        of(events, "interrupted").forEach(cut -> assertEquals("crash", cut.path("cause").asText(), cut::toString));
        System.out.println("ClusterTest killed seed=" + seed + " node=" + victim + " times=" + times + " runs="
            + runs.size() + " resumed=" + resumed.size() + " failover_ms(first=" + resumed.getFirst() + " last="
            + resumed.getLast() + ") " + seen);
      }
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
    }
  }

  /** Viewers that were there before the loss, one for each run. */
  private static final class Followers implements AutoCloseable {
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<Future<List<JsonNode>>> seen;

    /** Returns when each has seen the first event of its run. */
    Followers(Client client, List<String> runs) {
      seen = runs.stream()
          .map(run -> {
            var frames = client.stream(run, 0);
            var each = frames.iterator();
            var events = new ArrayList<>(List.of(each.next()));
            return threads.submit(() -> {
              try (frames) {
                each.forEachRemaining(events::add);
              }
              return (List<JsonNode>) events;
            });
          })
          .toList();
    }

    /** Each saw its run to the end, every event once. */
    void check() {
      for (var each : seen) {
        try {
          var events = each.get(FAILOVER.toSeconds(), TimeUnit.SECONDS);
          assertEquals(
              IntStream.rangeClosed(1, events.size()).boxed().toList(),
              events.stream().map(event -> event.path("seq").asInt()).toList());
          assertTrue(TERMINAL.contains(events.getLast().path("type").asText()), () -> "cut off: " + types(events));
        } catch (InterruptedException stop) {
          Thread.currentThread().interrupt();
          throw new AssertionError("interrupted", stop);
        } catch (ExecutionException | TimeoutException e) {
          throw new AssertionError("a viewer lost its run: " + e, e);
        }
      }
    }

    @Override
    public void close() {
      threads.shutdownNow();
    }
  }

  /** One turn in each of so many sessions, through all nodes at once; session to run, when each has begun. */
  private static Map<String, String> begin(List<Client> clients, int count, String words) {
    var begun = new TreeMap<String, Future<String>>();
    try (var users = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int s = 0; s < count; s++) {
        var client = clients.get(s % clients.size());
        var session = "s" + s;
        begun.put(session, users.submit(() -> {
          var run = submit(client, session, words);
          Await.until(run + " has begun", FAILOVER, () -> client.run(run).hasNonNull("startedAt"));
          return run;
        }));
      }
    }
    var runs = new TreeMap<String, String>();
    begun.forEach((session, run) -> runs.put(session, run.resultNow()));
    return runs;
  }

  private static String submit(Client client, String session, String words) {
    var answer = client.submit(session, session + words, "key-" + session);
    assertEquals(202, answer.status(), answer::toString);
    return answer.text("runId");
  }

  @Test
  @Tag("N-5")
  void aNodeThatIsStoppedHandsItsRunsOverAndNobodyElseFails() {
    try (var nodes = new Nodes(directory, NODES, random, SHORT)) {
      var gateways = List.of(
          nodes.start(nodes.launch(0).set("portcullis.drain.deadline", "2s")),
          nodes.start(nodes.launch(1)),
          nodes.start(nodes.launch(2)));
      var all = gateways.stream().map(gateway -> client(gateway.awaitReady())).toList();
      var runs = begin(all, 12, WORDS).values();
      try (var users = new Users(all.subList(1, NODES), (client, turn) ->
          client.submit("user" + turn % 40, "hello", "key-" + turn))) {
        gateways.getFirst().sigterm();
        assertEquals(0, gateways.getFirst().exitCode(Duration.ofSeconds(60)), gateways.getFirst()::tail);
        int handedOver = 0;
        for (var run : runs) {
          assertEquals("completed", awaitEnd(all.get(2), run).path("status").asText(), nodes::tails);
          oneEnd(all.get(1), run);
          var cuts = of(all.get(1).events(run), "interrupted");
          cuts.forEach(cut -> assertEquals("restart", cut.path("cause").asText(), cut::toString));
          handedOver += cuts.size();
        }
        assertTrue(handedOver > 0, "nothing ran on the node that was stopped");
        var seen = users.stop();
        assertEquals(Map.of(), seen.wrong(), nodes::tails);
        assertTrue(seen.served() > 0, "nobody was served meanwhile");
        System.out.println("ClusterTest stopped handed_over=" + handedOver + " " + seen);
      }
    }
  }

  /** People who go on asking for small things, and what they were told. */
  private static final class Users implements AutoCloseable {
    /** @param refused for now, as it should be said; {@code wrong} are all other refusals, by status and code */
    record Seen(long served, long refused, Map<String, Long> wrong, long longestMs) {}

    private final AtomicBoolean over = new AtomicBoolean();
    private final LongAdder served = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private final AtomicLong longestMs = new AtomicLong();
    private final Map<String, Long> wrong = new ConcurrentHashMap<>();
    private final List<Thread> threads = new ArrayList<>();

    /** @param ask is given a client and a number that nobody else is given */
    Users(List<Client> clients, BiFunction<Client, Integer, Client.Answer> ask) {
      for (int u = 0; u < USERS; u++) {
        int first = u;
        threads.add(Thread.ofVirtual().start(() -> {
          for (int turn = first; !over.get(); turn += USERS) {
            long asked = System.nanoTime();
            note(ask.apply(clients.get(first % clients.size()), turn));
            longestMs.accumulateAndGet((System.nanoTime() - asked) / 1_000_000, Math::max);
            Await.pause(Duration.ofMillis(100));
          }
        }));
      }
    }

    private void note(Client.Answer answer) {
      if (answer.status() < 300) {
        served.increment();
      } else if (answer.status() == 503 && answer.headers().firstValue("Retry-After").isPresent()) {
        refused.increment();
      } else {
        wrong.merge(answer.status() + " " + answer.code(), 1L, Long::sum);
      }
    }

    Seen stop() {
      over.set(true);
      try {
        for (var thread : threads) {
          thread.join();
        }
      } catch (InterruptedException stop) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted", stop);
      }
      return new Seen(served.sum(), refused.sum(), Map.copyOf(wrong), longestMs.get());
    }

    @Override
    public void close() {
      over.set(true);
    }
  }

  @Test
  @Tag("INV-C1")
  @Tag("N-3")
  void aNodeThatSleptThroughItsDismissalWritesNothingWhenItWakes() throws Exception {
    try (var nodes = new Nodes(directory, NODES, random, SHORT)) {
      var gateways = nodes.form();
      var all = gateways.stream().map(this::client).toList();
      var runs = begin(all, 9, WORDS).values();
      int sleeper = random.nextInt(NODES);
      var awake = all.get((sleeper + 1) % NODES);
      gateways.get(sleeper).sigstop();
      runs.forEach(run -> assertEquals("completed", awaitEnd(awake, run).path("status").asText(), nodes::tails));
      var before = runs.stream().map(run -> awake.events(run).size()).toList();

      try (var user = Executors.newVirtualThreadPerTaskExecutor()) {
        // The kernel takes the connection while the gateway sleeps; it is answered, if at all, after the waking.
        var late = user.submit(() -> {
          try {
            return all.get(sleeper).submit("late", "late", "key-late").status();
          } catch (UncheckedIOException cut) {
            return 0;
          }
        });
        long wokenAt = System.nanoTime();
        gateways.get(sleeper).sigcont();
        assertEquals(RETIRED, gateways.get(sleeper).exitCode(Duration.ofSeconds(30)), gateways.get(sleeper)::tail);
        System.out.println("ClusterTest slept seed=" + seed + " ended_ms=" + (System.nanoTime() - wokenAt) / 1_000_000
            + " late_status=" + late.get());
        assertFalse(late.get() == 202, "a node that is none accepted a turn");
      }
      assertEquals(before, runs.stream().map(run -> awake.events(run).size()).toList());
      runs.forEach(run -> oneEnd(awake, run));
      assertClosedAccount(awake, runs.size());
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
    }
  }

  @Test
  void aNodeThatFindsNobodyToJoinGivesUpAndCanBeStartedAgain() {
    try (var nodes = new Nodes(directory, 2, random, SHORT)) {
      // It is not the first of the seeds, which alone may found a cluster.
      var gateway = nodes.start(nodes.launch(1).set("portcullis.boot.deadline", "4s"));
      assertEquals(TEMPORARY, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
      assertTrue(gateway.line("boot.member_not_up").isPresent(), gateway::tail);
    }
  }
}
