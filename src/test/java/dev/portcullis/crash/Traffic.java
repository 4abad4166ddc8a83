package dev.portcullis.crash;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Many users at once, each with a session and a few turns sent one after the other. */
final class Traffic implements AutoCloseable {
  /** @param turns most that one session sends */
  record Load(HarnessUnderTest harness, int sessions, int turns) {}

  private final ExecutorService users = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Future<?>> work = new ArrayList<>();

  /** Starts sending; whoever gets no answer stops, because the order of what follows would be unknown. */
  static Traffic start(Client client, Ledger ledger, Load load, Random random, int round) {
    var traffic = new Traffic();
    for (int s = 0; s < load.sessions(); s++) {
      var own = new Random(random.nextLong());
      var turns = turns(load.harness(), "s" + s, 1 + random.nextInt(load.turns()), own, round);
      traffic.work.add(traffic.users.submit(() -> {
        for (var turn : turns) {
          if (!ledger.send(client, turn)) {
            return;
          }
        }
      }));
    }
    return traffic;
  }

  private static List<Ledger.Sent> turns(
      HarnessUnderTest harness, String session, int count, Random random, int round) {
    var turns = new ArrayList<Ledger.Sent>();
    for (int t = 0; t < count; t++) {
      var canary = "canary-" + round + "-" + session + "-" + t;
      var key = random.nextBoolean() ? Optional.of("key-" + canary) : Optional.<String>empty();
      turns.add(new Ledger.Sent(session, round * 1000 + t, canary, harness.message().apply(canary, random), key));
    }
    return turns;
  }

  /** Waits until every user has sent everything or given up. */
  void await() {
    try {
      for (var user : work) {
        user.get();
      }
    } catch (ExecutionException e) {
      throw new AssertionError(e.getCause().toString(), e.getCause());
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", stop);
    }
  }

  @Override
  public void close() {
    users.shutdownNow();
  }
}
