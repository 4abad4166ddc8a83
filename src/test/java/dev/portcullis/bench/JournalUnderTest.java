package dev.portcullis.bench;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalSettings;
import dev.portcullis.journal.JournalSetup;
import dev.portcullis.journal.PostgresServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;

/** A journal on a fresh store, as an actor system uses it. Closing it removes the store. */
final class JournalUnderTest implements AutoCloseable {

  /** Those that are compared. */
  enum Kind {
    OUR_LEVELDB("ours, LevelDB"),
    PEKKO_LEVELDB("Pekko's LevelDB"),
    OUR_POSTGRES("ours, PostgreSQL"),
    PEKKO_JDBC("pekko-persistence-jdbc");

    private final String words;

    Kind(String words) {
      this.words = words;
    }

    String words() {
      return words;
    }
  }

  private static final Pattern COMMENT = Pattern.compile("--[^\n]*");

  private final Kind kind;
  private final Path directory;
  private final ActorSystemSetup setup;
  private final LongSupplier syncs;
  private final Runnable release;

  private JournalUnderTest(
      Kind kind, Path directory, ActorSystemSetup setup, LongSupplier syncs, Runnable release) {
    this.kind = kind;
    this.directory = directory;
    this.setup = setup;
    this.syncs = syncs;
    this.release = release;
  }

  static JournalUnderTest open(Kind kind, Database database) throws IOException {
    var directory = Files.createTempDirectory("journal-bench");
    return switch (kind) {
      case OUR_LEVELDB -> {
        var store = new JournalSettings.LevelDb(JournalSettings.Implementation.NATIVE);
        var journal = Journal.open(new JournalSettings(directory, store, 0), Throwable::printStackTrace);
        yield new JournalUnderTest(
            kind, directory, ours(journal), () -> journal.stats().batches(), journal::close);
      }
      case OUR_POSTGRES -> {
        var schema = PostgresServer.freshSchema();
        var store = PostgresServer.store(database.url(), schema, "bench", Duration.ofSeconds(30));
        var journal = Journal.open(new JournalSettings(directory, store, 0), Throwable::printStackTrace);
        yield new JournalUnderTest(kind, directory, ours(journal), () -> walSyncs(database), () -> {
          journal.close();
          database.sql("drop schema " + schema + " cascade");
        });
      }
      case PEKKO_LEVELDB ->
          new JournalUnderTest(kind, directory, pekkosLevelDb(directory), () -> 0, () -> {});
      case PEKKO_JDBC -> {
        var schema = PostgresServer.freshSchema();
        database.sql(
            "create schema " + schema,
            "set search_path to " + schema,
            // The tables are empty: nothing to be gained by what only works outside of a transaction.
            jdbcSchema().replace("public.", schema + ".").replace(" CONCURRENTLY", ""));
        yield new JournalUnderTest(kind, directory, pekkosJdbc(database.url(), schema), () -> walSyncs(database), () ->
            database.sql("drop schema " + schema + " cascade"));
      }
    };
  }

  ActorSystemSetup setup() {
    return setup;
  }

  /** So far; of the whole server where it is one. */
  long syncs() {
    return syncs.getAsLong();
  }

  /** It has no count of its own, but syncs once for each write of each actor. */
  boolean syncsEachEvent() {
    return kind == Kind.PEKKO_LEVELDB;
  }

  private static long walSyncs(Database database) {
    // The view that counts them moved in PostgreSQL 18.
    var query = Integer.parseInt(database.query("show server_version_num")) >= 180_000
        ? "select coalesce(sum(fsyncs), 0)::bigint from pg_stat_io where object = 'wal'"
        : "select wal_sync from pg_stat_wal";
    return Long.parseLong(database.query(query));
  }

  private static ActorSystemSetup ours(Journal journal) {
    var config =
        ConfigFactory.parseString("pekko.persistence.journal.plugin = portcullis.persistence.journal");
    return ActorSystemSetup.create(bootstrap(config), new JournalSetup(journal, JournalBench.TYPES));
  }

  private static ActorSystemSetup pekkosLevelDb(Path directory) {
    var config = ConfigFactory.parseString("""
        pekko.persistence.journal {
          plugin = pekko.persistence.journal.leveldb
          leveldb {
            native = on
            fsync = on
            circuit-breaker.call-timeout = 120s
            recovery-event-timeout = 120s
          }
        }
        """).withFallback(ConfigFactory.parseMap(
            Map.of("pekko.persistence.journal.leveldb.dir", directory.toString())));
    return ActorSystemSetup.create(bootstrap(config), JournalBench.TYPES);
  }

  /** As its documentation sets it up; with the default buffer ten thousand writers fail and stop. */
  private static ActorSystemSetup pekkosJdbc(String url, String schema) {
    var config = ConfigFactory.parseString("""
        pekko.persistence.journal.plugin = jdbc-journal
        jdbc-journal {
          use-shared-db = slick
          bufferSize = 20000
          circuit-breaker.call-timeout = 120s
          recovery-event-timeout = 120s
        }
        pekko-persistence-jdbc.shared-databases.slick {
          profile = "slick.jdbc.PostgresProfile$"
          db {
            driver = org.postgresql.Driver
            user = %s
            password = ""
            numThreads = 8
            maxConnections = 8
            minConnections = 1
          }
        }
        """.formatted(PostgresServer.USER)).withFallback(ConfigFactory.parseMap(Map.of(
            "pekko-persistence-jdbc.shared-databases.slick.db.url",
            url + "?currentSchema=" + schema)));
    return ActorSystemSetup.create(bootstrap(config), JournalBench.TYPES);
  }

  private static String jdbcSchema() throws IOException {
    var name = "/schema/postgres/postgres-create-schema.sql";
    try (var file = JournalUnderTest.class.getResourceAsStream(name)) {
      return COMMENT.matcher(new String(file.readAllBytes(), StandardCharsets.UTF_8)).replaceAll("");
    }
  }

  private static BootstrapSetup bootstrap(Config config) {
    return BootstrapSetup.create(ConfigFactory.parseString("""
        pekko { log-dead-letters = off, loglevel = WARNING, actor.provider = local }
        """).withFallback(config).withFallback(ConfigFactory.load()));
  }

  @Override
  public void close() throws IOException {
    release.run();
    try (var tree = Files.walk(directory)) {
      for (var path : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
