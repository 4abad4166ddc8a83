package dev.portcullis.bench;

import dev.portcullis.journal.PostgresServer;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;

/** A PostgreSQL that syncs, unlike that of the tests: without, the figures would be of another thing. */
final class Database implements AutoCloseable {

  private final EmbeddedPostgres server =
      PostgresServer.start(Map.of("fsync", "on", "synchronous_commit", "on", "full_page_writes", "on"));

  String url() {
    return PostgresServer.url(server.getPort());
  }

  void sql(String... statements) {
    try (var connection = DriverManager.getConnection(url(), PostgresServer.USER, "");
        var statement = connection.createStatement()) {
      for (var each : List.of(statements)) {
        statement.execute(each);
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The first column of the first row. */
  String query(String query) {
    try (var connection = DriverManager.getConnection(url(), PostgresServer.USER, "");
        var statement = connection.createStatement();
        var row = statement.executeQuery(query)) {
      row.next();
      return row.getString(1);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
