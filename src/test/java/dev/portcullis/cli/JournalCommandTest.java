package dev.portcullis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.portcullis.journal.DurableSerializer;
import dev.portcullis.journal.IndexEntry;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalSettings;
import dev.portcullis.journal.StoredEvent;
import dev.portcullis.session.SessionKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The commands of {@code journal} on real directories: two sessions of ten events, five in a table. */
@Timeout(60)
@Tag("INV-J1")
class JournalCommandTest {
  private static final String ONE = "agent:main:one";
  private static final String TWO = "agent:main:two";

  @TempDir Path directory;
  private Path data;
  private Shell shell = new Shell();

  @BeforeEach void write() throws IOException {
    data = directory.resolve("data");
    for (int round = 0; round < 2; round++) {
      try (var journal = open()) {
        for (var key : List.of(ONE, TWO)) {
          append(journal, key, 5);
        }
      }
    }
  }

  private Journal open() {
    return Journal.open(
        new JournalSettings(data, JournalSettings.Implementation.AUTO, 0), fault -> {
          throw fault;
        });
  }

  private static String id(String key) {
    return "session|" + new SessionKey(key).entityId();
  }

  private static void append(Journal journal, String key, int count) throws IOException {
    long highest = journal.highest(id(key));
    for (long seq = highest + 1; seq <= highest + count; seq++) {
      var payload = new com.fasterxml.jackson.dataformat.cbor.databind.CBORMapper()
          .writeValueAsBytes(Map.of("message", key + " " + seq));
      journal.append(
              List.of(new StoredEvent(id(key), seq, DurableSerializer.ID, "turn", payload,
                  Instant.parse("2026-11-20T10:00:00Z"), "w")),
              List.of(new IndexEntry.Put("row", key, "{}")))
          .toCompletableFuture()
          .join();
    }
  }

  private int run(String... words) {
    shell = new Shell();
    var all = new ArrayList<>(List.of("journal"));
    all.addAll(List.of(words));
    all.addAll(List.of("--data", data.toString()));
    return shell.run(all.toArray(String[]::new));
  }

  /** The first table holds the first five events of both; a block of it is lost. */
  private void damageATable() throws IOException {
    Path table;
    try (var files = Files.list(data.resolve("journal"))) {
      table = files.filter(file -> file.toString().matches(".*\\.(sst|ldb)")).sorted().findFirst().orElseThrow();
    }
    var bytes = Files.readAllBytes(table);
    bytes[200] ^= 1;
    Files.write(table, bytes);
  }

  @Test void verifySaysThatASoundJournalIsSound() {
    assertEquals(0, run("verify"), shell.err());
    assertEquals("2 sessions, 20 events, 0 findings\n", shell.out());
  }

  @Test void verifyNamesWhatIsDamagedAndWhatToDo() throws IOException {
    damageATable();
    assertEquals(74, run("verify"));
    assertTrue(shell.out().lines().anyMatch(line -> line.matches(
        "changed file 0000\\d+\\.(sst|ldb): its contents differ; see `portcullis journal repair`")), shell.out());
    assertTrue(shell.out().contains("hole \"session|"), shell.out());
  }

  @Test void verifyPrintsJsonForScripts() throws IOException {
    damageATable();
    assertEquals(74, run("verify", "--json"));
    var lines = shell.out().lines().toList();
    assertEquals("changed file", new JsonMapper().readTree(lines.getFirst()).path("kind").asText());
    assertFalse(new JsonMapper().readTree(lines.getLast()).path("sound").asBoolean());
  }

  @Test void nothingIsDoneWhileAGatewayRuns() {
    try (var _ = open()) {
      assertEquals(75, run("verify"));
      assertEquals(75, run("repair"));
    }
  }

  @Test void aDirectoryThatIsNotThereIsRefused() {
    data = directory.resolve("nowhere");
    assertEquals(1, run("verify"));
    assertTrue(shell.err().contains("nowhere"), shell.err());
  }

  @Test void repairWithoutOptionsOnlySaysWhatCanBeDone() throws IOException {
    damageATable();
    assertEquals(74, run("repair"));
    assertTrue(shell.out().contains("--restore FROM"), shell.out());
    assertEquals(74, run("verify"));
  }

  @Test void repairCutsAndSaysWhatIsLostAndWhereTheOriginalIs() throws IOException {
    damageATable();
    assertEquals(0, run("repair", "--cut", "--all"), shell.out() + shell.err());
    assertTrue(shell.out().contains("events are lost, from seq"), shell.out());
    assertTrue(shell.out().contains("journal.damaged-1"), shell.out());
    assertEquals(0, run("verify"), shell.out());
  }

  @Test void repairDiscardsTheSessionThatIsNamed() throws IOException {
    damageATable();
    run("repair", "--discard", "--all");
    assertEquals(0, run("repair"), shell.out());
    assertEquals("nothing is damaged\n", shell.out());
  }

  @Test void repairOfASoundSessionIsRefused() {
    assertEquals(1, run("repair", "--cut", "--session", ONE));
    assertTrue(shell.err().contains("is not damaged"), shell.err());
  }

  @Test void repairMustBeToldWhatAndForWhich() {
    for (var words : List.of(
        List.of("repair", "--cut"), List.of("repair", "--all"), List.of("repair", "--cut", "--discard", "--all"),
        List.of("repair", "--cut", "--all", "--session", ONE))) {
      assertEquals(2, run(words.toArray(String[]::new)), words.toString());
    }
  }

  @Test void exportPrintsTheEventsOfASession() throws IOException {
    assertEquals(0, run("export", ONE), shell.err());
    var lines = shell.out().lines().toList();
    assertEquals(10, lines.size());
    var third = new JsonMapper().readTree(lines.get(2));
    assertEquals(3, third.path("seq").asLong());
    assertEquals(ONE + " 3", third.path("event").path("message").asText());
  }

  @Test void exportOfAllHasEverySession() {
    assertEquals(0, run("export", "--all"), shell.err());
    assertEquals(20, shell.out().lines().count());
  }

  @Test void exportOfASessionThatIsNotThereIsRefused() {
    assertEquals(1, run("export", "agent:main:none"));
    assertEquals(1, run("export", "no key"));
  }

  @Test void exportAsksTheGatewayThatRuns() throws Exception {
    try (var gateway = new StubGateway()
        .on("GET /api/v1/sessions/agent%3Amain%3Aone/export", 200, "{\"seq\":1}\n{\"seq\":2}\n")) {
      assertEquals(0, run("export", ONE, "--url", gateway.url(), "--token", StubGateway.TOKEN), shell.err());
      assertEquals("{\"seq\":1}\n{\"seq\":2}\n", shell.out());
    }
  }

  @Test void statsOfAStoppedJournalAreCounted() throws IOException {
    assertEquals(0, run("stats", "--json"), shell.err());
    var figures = new JsonMapper().readTree(shell.out());
    assertEquals(2, figures.path("sessions").asLong());
    assertEquals(20, figures.path("events").asLong());
    assertEquals("2026-11-20T10:00:00Z", figures.path("lastWrite").asText());
    assertEquals(0, run("stats"));
    assertTrue(shell.out().contains("events      20"), shell.out());
  }

  @Test void statsOfARunningGatewayAreItsOwn() throws Exception {
    try (var gateway = new StubGateway().on("GET /api/v1/journal", 200, "{\"events\":7}"); var _ = open()) {
      assertEquals(0, run("stats", "--url", gateway.url(), "--token", StubGateway.TOKEN), shell.err());
      assertEquals("events      7\n", shell.out());
    }
  }

  @Test void aGatewayThatIsNamedIsAskedAndNoDirectoryIsRead() throws Exception {
    try (var gateway = new StubGateway().on("GET /api/v1/journal", 200, "{\"events\":7}")) {
      assertEquals(0, run("stats", "--url", gateway.url(), "--token", StubGateway.TOKEN), shell.err());
      assertEquals("events      7\n", shell.out());
    }
  }
}
