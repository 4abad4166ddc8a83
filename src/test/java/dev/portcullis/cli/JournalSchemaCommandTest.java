package dev.portcullis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.PostgresServer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class JournalSchemaCommandTest {
  private final Shell shell = new Shell();

  @Test void createMakesTheTablesAndAgainChangesNothing() {
    var schema = PostgresServer.freshSchema();

    assertEquals(0, run(PostgresServer.url(), schema, "--create"), shell.err());
    assertEquals(0, run(PostgresServer.url(), schema, "--create"), shell.err());

    assertEquals("1", PostgresServer.query("select count(*) from " + schema + ".schema_version"));
  }

  @Test void whatIsPrintedCanBeRunAsItIs() {
    var schema = PostgresServer.freshSchema();

    assertEquals(0, run("jdbc:postgresql://nowhere.invalid/gate", schema, "--print"), shell.err());

    PostgresServer.sql(shell.out());
    assertEquals("0", PostgresServer.query("select count(*) from " + schema + ".event"));
  }

  @Test void aJournalWithoutTablesIsRefused() {
    assertEquals(1, shell.run("journal", "schema", "--print"));

    assertTrue(shell.err().contains("portcullis.journal.store=postgresql"), shell.err());
  }

  @Test void aDatabaseThatDoesNotKnowUsIsASettingToMend() {
    var url = PostgresServer.url().replaceAll("/postgres$", "/no_such_database");

    assertEquals(78, run(url, "portcullis", "--create"));

    assertTrue(shell.err().contains("no_such_database"), shell.err());
  }

  @Test void tablesOfANewerVersionAreASettingToMendAsTheyAreAtAStart() {
    var schema = PostgresServer.freshSchema();
    run(PostgresServer.url(), schema, "--create");
    PostgresServer.sql("insert into " + schema + ".schema_version (version) values (99)");

    assertEquals(78, run(PostgresServer.url(), schema, "--create"));

    assertTrue(shell.err().contains("schema version 99"), shell.err());
  }

  private int run(String url, String schema, String what) {
    var arguments = new ArrayList<>(List.of("journal", "schema", what));
    for (var set : List.of("store=postgresql", "postgresql.url=" + url, "postgresql.user=" + PostgresServer.USER,
        "postgresql.schema=" + schema)) {
      arguments.addAll(List.of("--set", "portcullis.journal." + set));
    }
    return shell.run(arguments.toArray(String[]::new));
  }
}
