package dev.portcullis.journal;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connections to one database. What fails because the database is away for a moment is done again, with
 * short pauses, until the outage has lasted too long; from then on nothing is waited for until it is back.
 */
final class PostgresConnections implements AutoCloseable {

  /** Something to do with a connection; done again from the start when the connection fails. */
  interface Work<T> {
    T on(Connection connection) throws SQLException;
  }

  private static final Logger LOG = LoggerFactory.getLogger(PostgresConnections.class);
  private static final long PAUSE_MILLIS = 100;
  private static final long BORROW_MILLIS = 1_000;
  /**
   * Besides all of class 08: shutting down, starting up, too many connections, chosen to end a deadlock,
   * cancelled, idle for too long, a primary that has become a standby.
   */
  private static final Set<String> PASSING = Set.of(
      "57P01", "57P02", "57P03", "57P05", "57014", "53300", "40001", "40P01", "55P03", "25P03", "25006");
  private static final Set<String> REFUSING = Set.of("28000", "28P01", "3D000", "3F000", "42501", "42P01");

  private final String where;
  private final HikariDataSource pool;
  private final Duration outage;
  private volatile boolean givenUp;
  private volatile boolean closed;

  PostgresConnections(JournalSettings.Postgres settings) {
    this.where = withoutParameters(settings.url());
    this.outage = settings.outage();
    this.pool = new HikariDataSource(config(settings));
  }

  /** Which database, for messages. */
  String where() {
    return where;
  }

  /**
   * @throws JournalFault {@code IO} when the database was away for too long or failed, {@code CLOSED}
   */
  <T> T run(String what, Work<T> work) {
    return run(what, outage, work);
  }

  <T> T run(String what, Duration patience, Work<T> work) {
    long start = System.nanoTime();
    boolean waited = false;
    while (true) {
      try (var connection = connection()) {
        var result = work.on(connection);
        if (waited) {
          LOG.info("journal.reconnected what={} took_ms={}", what, sinceMillis(start));
        }
        givenUp = false;
        return result;
      } catch (SQLException e) {
        if (closed) {
          throw JournalFault.closed(where);
        }
        if (!passing(e) || givenUp || sinceMillis(start) > patience.toMillis()) {
          givenUp |= passing(e);
          throw JournalFault.io(where, what, e);
        }
        if (!waited) {
          LOG.warn("journal.reconnecting what={} cause={}", what, e.toString());
          waited = true;
        }
        pause(what, e);
      }
    }
  }

  /** The reason in terms of opening: not there yet, or not for us. */
  static JournalFault opening(String where, JournalFault fault) {
    return switch (fault.getCause()) {
      case SQLException e when passing(e) -> JournalFault.unreachable(where, e);
      case SQLException e when REFUSING.contains(state(e)) -> JournalFault.refused(where, e);
      case null, default -> fault;
    };
  }

  @Override
  public void close() {
    closed = true;
    pool.close();
  }

  private Connection connection() throws SQLException {
    if (closed) {
      throw JournalFault.closed(where);
    }
    return pool.getConnection();
  }

  private void pause(String what, SQLException cause) {
    try {
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      throw JournalFault.io(where, what, cause);
    }
  }

  private static long sinceMillis(long start) {
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
  }

  private static boolean passing(SQLException e) {
    var state = state(e);
    return state.isEmpty() || state.startsWith("08") || PASSING.contains(state);
  }

  /** Of the innermost one that has any: the pool wraps what the driver says. */
  private static String state(SQLException e) {
    var inner = e.getCause() instanceof SQLException cause ? state(cause) : "";
    return inner.isEmpty() && e.getSQLState() instanceof String own ? own : inner;
  }

  private static HikariConfig config(JournalSettings.Postgres settings) {
    // A silent server must be noticed while there is still time to ask again.
    long seconds = Math.clamp(settings.outage().toSeconds() / 3, 1, 30);
    var config = new HikariConfig();
    config.setPoolName("journal");
    config.setJdbcUrl(settings.url());
    if (!settings.user().isEmpty()) {
      config.setUsername(settings.user());
      config.setPassword(settings.password());
    }
    config.setMaximumPoolSize(settings.pool());
    config.setMinimumIdle(1);
    config.setConnectionTimeout(BORROW_MILLIS);
    config.setValidationTimeout(BORROW_MILLIS);
    config.setInitializationFailTimeout(-1); // Whoever opens says how long to wait.
    config.addDataSourceProperty("ApplicationName", "portcullis");
    config.addDataSourceProperty("socketTimeout", Long.toString(seconds));
    config.addDataSourceProperty("tcpKeepAlive", "true");
    // The server must end what a connection that broke has left under way, or its locks would outlast it.
    config.setConnectionInitSql("set idle_in_transaction_session_timeout = '" + seconds + "s'; "
        + "select set_config('synchronous_commit', 'on', false) "
        + "where current_setting('synchronous_commit') in ('off', 'local')");
    return config;
  }

  /** They may hold a password. */
  private static String withoutParameters(String url) {
    return url.replaceFirst("\\?.*", "").replaceFirst("//[^/@]*@", "//");
  }
}
