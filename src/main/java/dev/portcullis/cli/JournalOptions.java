package dev.portcullis.cli;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.journal.DatabaseJournal;
import dev.portcullis.journal.JournalFinding;
import dev.portcullis.journal.JournalReader;
import dev.portcullis.journal.JournalRepair;
import dev.portcullis.journal.JournalSettings;
import dev.portcullis.journal.JournalVerdict;
import dev.portcullis.journal.StoppedJournal;
import dev.portcullis.session.SessionKey;
import java.util.ArrayList;
import java.util.HashSet;
import picocli.CommandLine.Mixin;

/** Which journal, for the commands that read it themselves. */
final class JournalOptions {
  /** What the journal calls a session: this before its entity id. */
  private static final String SESSION = "session|";
  /** Index space of rows, by session key. */
  private static final String ROWS = "row";
  /** Whoever only reads takes no epoch, and so has no name that others would see. */
  private static final String READER = "reader";
  private static final int ENDS = 3;

  @Mixin private SettingsOptions settings = new SettingsOptions();

  /** To be closed; a gateway that runs on the same files is a fault, one on the same database is none. */
  JournalReader open(Console console) {
    return open(settings.read(console));
  }

  static JournalReader open(GatewayConfig config) {
    return switch (config.journal().store()) {
      case GatewayConfig.LevelDb _ -> StoppedJournal.open(config.data());
      case GatewayConfig.Postgresql store -> DatabaseJournal.open(
          JournalSettings.Postgres.of(store, READER, READER, config.boot().deadline()));
    };
  }

  /** To be closed; a gateway that runs there is a fault, and so is a journal that is no files. */
  StoppedJournal openFiles(Console console) {
    var config = settings.read(console);
    return switch (config.journal().store()) {
      case GatewayConfig.LevelDb _ -> StoppedJournal.open(config.data());
      case GatewayConfig.Postgresql _ -> throw CliFault.of(CliFault.Code.REFUSED,
          "A journal in PostgreSQL is not repaired here; restore a backup of the database.");
    };
  }

  /** What the journal calls the session of this key. */
  static String persistenceId(String key) {
    return SESSION + SessionKey.parse(key)
        .orElseThrow(() -> CliFault.of(CliFault.Code.REFUSED,
            "\"" + Table.printable(key) + "\" is no session key; write agent:NAME:REST, or use --id."))
        .entityId();
  }

  static boolean isSession(String persistenceId) {
    return persistenceId.startsWith(SESSION);
  }

  /** What the journal can prove of itself, and that every session in the index has a history. */
  static JournalVerdict verify(JournalReader journal, Console console) {
    var verdict = journal.verify(read -> {
      if (console.terminal()) {
        console.err().print("\r" + read + " sessions read" + " ".repeat(ENDS));
        console.err().flush();
      }
    });
    if (console.terminal()) {
      console.note("");
    }
    var findings = new ArrayList<>(verdict.findings());
    // Before the histories: a gateway may be writing, and a row is never older than its history.
    var rows = new ArrayList<String>();
    journal.scan(ROWS, (key, _) -> rows.add(key));
    var there = new HashSet<>(journal.persistenceIds());
    // After a repair the index lags behind until the gateway starts, which is known and no fault.
    journal.scan(JournalRepair.REINDEX, (id, _) -> there.add(id));
    rows.forEach(key -> SessionKey.parse(key)
        .filter(session -> !there.contains(SESSION + session.entityId()))
        .ifPresent(_ -> findings.add(new JournalFinding(
            JournalFinding.Kind.HOLE, Table.printable(key), "the index has it, and there is no history"))));
    return new JournalVerdict(
        verdict.sessions(), verdict.events(), verdict.damaged(), findings, verdict.notes());
  }
}
