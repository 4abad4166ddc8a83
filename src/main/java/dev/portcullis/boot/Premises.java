package dev.portcullis.boot;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.harness.process.Reaper;
import dev.portcullis.ingress.Credentials;
import dev.portcullis.journal.IndexEntry;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalFault;
import dev.portcullis.journal.JournalSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What one life of the process stands on: the data directory, opened and ours, and the number of this life,
 * which is on the disk before anything else happens.
 *
 * @param instance names the data directory for ever
 * @param notes what the names of this directory's own index entries begin with; empty in a store of its own
 * @param reaped processes of earlier lives that still ran, and were killed before anything was decided
 * @param looping the last boots all ended before one run succeeded: nothing is resumed by itself
 */
record Premises(Journal journal, Credentials credentials, String instance, String notes, long incarnation,
    int reaped, boolean looping) {
  private static final String SPACE = "node";
  private static final String INSTANCE = "instance";
  private static final String INCARNATION = "incarnation";
  private static final String BOOTS = "boots";
  private static final String BARRIER = "barrier";

  /**
   * Opens everything. Blocks.
   *
   * @param node what other nodes call this life of this one
   * @throws JournalFault when the directory cannot be used
   */
  static Premises open(GatewayConfig config, String node, Consumer<JournalFault> onFault,
      RandomGenerator random, Instant now)
      throws IOException {
    var store = store(config, node, random);
    var journal = Journal.open(
        new JournalSettings(config.data(), store, config.journal().lowSpaceBytes()), onFault);
    try {
      for (var agent : config.agents().values()) {
        Files.createDirectories(agent.workspace());
      }
      var credentials = Credentials.open(config.data(), config.principals(), random);
      var instance = instance(journal, store, random);
      var notes = notes(store);
      // Fences are compared across nodes: where others share the store, it counts the lives of all.
      long incarnation = journal.epoch() > 0
          ? journal.epoch()
          : journal.get(SPACE, INCARNATION).map(Long::parseLong).orElse(0L) + 1;
      var boots = boots(journal, notes, config.boot(), now);
      journal.index(List.of(
              new IndexEntry.Put(SPACE, notes + INSTANCE, instance),
              new IndexEntry.Put(SPACE, notes + INCARNATION, Long.toString(incarnation)),
              new IndexEntry.Put(SPACE, notes + BOOTS,
                  boots.stream().map(String::valueOf).collect(Collectors.joining(",")))))
          .toCompletableFuture()
          .join();
      int reaped = new Reaper(instance, incarnation).reap(List.of());
      return new Premises(journal, credentials, instance, notes, incarnation, reaped,
          boots.size() >= config.boot().loopLimit());
    } catch (InterruptedException stop) {
      journal.close();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while opening", stop);
    } catch (IOException | RuntimeException e) {
      journal.close();
      throw e;
    }
  }

  /** Ingress may be bound once this is on the disk. */
  CompletionStage<Void> passBarrier() {
    return journal.index(List.of(new IndexEntry.Put(SPACE, notes + BARRIER, Long.toString(incarnation))));
  }

  /** A run has ended in this life: what came before was no loop. */
  CompletionStage<Void> succeed() {
    return journal.index(List.of(new IndexEntry.Remove(SPACE, notes + BOOTS)));
  }

  private static JournalSettings.Store store(GatewayConfig config, String node, RandomGenerator random)
      throws IOException {
    return switch (config.journal().store()) {
      case GatewayConfig.LevelDb(var implementation) -> new JournalSettings.LevelDb(
          JournalSettings.Implementation.valueOf(implementation.toUpperCase(Locale.ROOT)));
      case GatewayConfig.Postgresql postgresql -> {
        var instance = InstanceFile.open(config.data(), random);
        yield JournalSettings.Postgres.of(postgresql, node, instance, config.boot().deadline());
      }
    };
  }

  private static String instance(Journal journal, JournalSettings.Store store, RandomGenerator random) {
    return switch (store) {
      case JournalSettings.LevelDb _ ->
          journal.get(SPACE, INSTANCE).orElseGet(() -> Long.toHexString(random.nextLong()));
      case JournalSettings.Postgres postgres -> postgres.instance();
    };
  }

  private static String notes(JournalSettings.Store store) {
    return switch (store) {
      case JournalSettings.LevelDb _ -> "";
      case JournalSettings.Postgres postgres -> postgres.instance() + "/";
    };
  }

  /** Epoch seconds of the boots within the window, this one included, that no success followed. */
  private static List<Long> boots(Journal journal, String notes, GatewayConfig.Boot settings, Instant now) {
    long oldest = now.minus(settings.loopWindow()).getEpochSecond();
    var earlier = journal.get(SPACE, notes + BOOTS).stream()
        .flatMap(text -> Arrays.stream(text.split(",")))
        .map(Long::parseLong)
        .filter(at -> at >= oldest);
    return Stream.concat(earlier, Stream.of(now.getEpochSecond())).toList();
  }
}
