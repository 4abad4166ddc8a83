package dev.portcullis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.cbor.databind.CBORMapper;
import dev.portcullis.journal.DurableSerializer;
import dev.portcullis.journal.IndexEntry;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalSettings;
import dev.portcullis.journal.PostgresServer;
import dev.portcullis.journal.StoredEvent;
import dev.portcullis.journal.StoredSnapshot;
import dev.portcullis.session.SessionKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The commands of {@code journal} on a database that a gateway is using: two sessions of five events, one of them
 * trimmed to three.
 */
@Timeout(60)
class DatabaseJournalCommandTest {
  private static final String ONE = "agent:main:one";
  private static final String TWO = "agent:main:two";
  private static final Instant AT = Instant.parse("2026-11-20T10:00:00Z");

  @TempDir Path directory;
  private final String schema = PostgresServer.freshSchema();
  private Shell shell = new Shell();
  private Journal journal;

  @BeforeEach void write() throws IOException {
    journal = Journal.open(new JournalSettings(directory.resolve("node"), PostgresServer.store(schema, "a"), 0),
        fault -> {
          throw fault;
        });
    append(ONE, 1, 5);
    append(TWO, 1, 5);
    trim(TWO, 3);
  }

  private void trim(String key, long seq) {
    journal.trim(new StoredSnapshot(id(key), seq, DurableSerializer.ID, "state", new byte[] {1}, AT), List.of())
        .toCompletableFuture().join();
  }

  @AfterEach void close() {
    journal.close();
  }

  private static String id(String key) {
    return "session|" + new SessionKey(key).entityId();
  }

  private void append(String key, long from, long to) throws IOException {
    for (long seq = from; seq <= to; seq++) {
      var payload = new CBORMapper().writeValueAsBytes(Map.of("message", key + " " + seq));
      journal.append(List.of(new StoredEvent(id(key), seq, DurableSerializer.ID, "turn", payload, AT, "w")),
          List.of(new IndexEntry.Put("row", key, "{}"))).toCompletableFuture().join();
    }
  }

  private int run(String... words) {
    shell = new Shell();
    var all = new ArrayList<>(List.of("journal"));
    all.addAll(List.of(words));
    all.addAll(List.of("--data", directory.resolve("nowhere").toString()));
    for (var set : List.of("store=postgresql", "postgresql.url=" + PostgresServer.url(),
        "postgresql.user=" + PostgresServer.USER, "postgresql.schema=" + schema)) {
      all.addAll(List.of("--set", "portcullis.journal." + set));
    }
    return shell.run(all.toArray(String[]::new));
  }

  private String where(String key) {
    return " where encode(persistence_id, 'escape') = '" + id(key) + "'";
  }

  @Test void whatIsReadIsSoundAndTheGatewayGoesOnWriting() throws IOException {
    var writers = PostgresServer.query("select count(*) from " + schema + ".writer");

    assertEquals(0, run("verify"), shell.out() + shell.err());

    assertEquals("2 sessions, 7 events, 0 findings\n", shell.out());
    assertEquals(writers, PostgresServer.query("select count(*) from " + schema + ".writer"));
    append(ONE, 6, 6);
    assertFalse(journal.failed());
    assertFalse(Files.exists(directory.resolve("nowhere")));
  }

  @Test void whatIsWrittenAndTrimmedMeanwhileIsNoDamage() throws Exception {
    var done = new AtomicBoolean();
    var writing = CompletableFuture.runAsync(() -> {
      for (long seq = 6; !done.get(); seq++) {
        try {
          append(ONE, seq, seq);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
        trim(ONE, seq - 2);
      }
    });
    try {
      for (int i = 0; i < 10; i++) {
        assertEquals(0, run("verify"), shell.out() + shell.err());
        assertEquals(0, run("export", ONE), shell.err());
      }
    } finally {
      done.set(true);
      writing.join();
    }
  }

  @Test
  @Tag("INV-J1")
  void aChangedEventIsFoundAndTheOthersAreExported() throws IOException {
    PostgresServer.sql("update " + schema + ".event set record = set_byte(record, 60, get_byte(record, 60) # 1)"
        + where(ONE) + " and sequence_number = 3");

    assertEquals(74, run("verify", "--json"));
    var finding = new JsonMapper().readTree(shell.out().lines().findFirst().orElseThrow());
    assertEquals("damaged event", finding.path("kind").asText());
    assertTrue(finding.path("where").asText().contains(id(ONE)), shell.out());

    assertEquals(74, run("export", "--all"));
    assertEquals(4, shell.out().lines().count(), shell.out()); // Two of the one, two of the other.
    assertTrue(shell.err().contains("seq 3"), shell.err());
  }

  @Test
  @Tag("INV-J1")
  void aMissingBaseAndALostHistoryAreFound() {
    PostgresServer.sql("delete from " + schema + ".base" + where(TWO),
        "delete from " + schema + ".history" + where(ONE), "delete from " + schema + ".event" + where(ONE));

    assertEquals(74, run("verify"));

    assertTrue(shell.out().contains("damaged base \"" + id(TWO)), shell.out());
    assertTrue(shell.out().contains("hole " + ONE), shell.out());
  }

  @Test void aHistoryIsExportedFromTheDatabase() throws IOException {
    assertEquals(0, run("export", ONE), shell.err());

    var lines = shell.out().lines().toList();
    assertEquals(5, lines.size());
    assertEquals(ONE + " 2", new JsonMapper().readTree(lines.get(1)).path("event").path("message").asText());
    assertEquals(1, run("export", "agent:main:unknown"));
  }

  @Test void statsCountTheDatabase() throws IOException {
    assertEquals(0, run("stats", "--json"), shell.err());

    var figures = new JsonMapper().readTree(shell.out());
    assertEquals(List.of(2, 7, 2), List.of(figures.path("sessions").asInt(), figures.path("events").asInt(),
        figures.path("entries").asInt()));
  }

  @Test void aRepairIsRefusedWithWhatToDoInstead() {
    for (var words : List.of(List.of("repair"), List.of("repair", "--cut", "--all"))) {
      assertEquals(1, run(words.toArray(String[]::new)));

      assertEquals("", shell.out());
      assertEquals("A journal in PostgreSQL is not repaired here; restore a backup of the database.\n",
          shell.err());
    }
  }

  @Test void aDatabaseWithoutTheTablesIsASettingToMendAndNoneAreMade() {
    journal.close();
    PostgresServer.sql("drop schema " + schema + " cascade");

    assertEquals(78, run("verify"), shell.out());

    assertEquals("0", PostgresServer.query(
        "select count(*) from pg_catalog.pg_namespace where nspname = '" + schema + "'"));
  }
}
