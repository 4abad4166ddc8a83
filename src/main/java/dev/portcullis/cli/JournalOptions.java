package dev.portcullis.cli;

import dev.portcullis.journal.JournalFinding;
import dev.portcullis.journal.JournalRepair;
import dev.portcullis.journal.JournalVerdict;
import dev.portcullis.journal.StoppedJournal;
import dev.portcullis.session.SessionKey;
import java.util.ArrayList;
import java.util.HashSet;
import picocli.CommandLine.Mixin;

/** Which journal, for the commands that need it stopped. */
final class JournalOptions {
  /** What the journal calls a session: this before its entity id. */
  private static final String SESSION = "session|";
  /** Index space of rows, by session key. */
  private static final String ROWS = "row";
  private static final int ENDS = 3;

  @Mixin private SettingsOptions settings = new SettingsOptions();

  /** To be closed; a gateway that runs there is a fault. */
  StoppedJournal open(Console console) {
    return StoppedJournal.open(settings.read(console).data());
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
  static JournalVerdict verify(StoppedJournal journal, Console console) {
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
    var there = new HashSet<>(journal.persistenceIds());
    // After a repair the index lags behind until the gateway starts, which is known and no fault.
    journal.scan(JournalRepair.REINDEX, (id, _) -> there.add(id));
    journal.scan(ROWS, (key, _) -> SessionKey.parse(key)
        .filter(session -> !there.contains(SESSION + session.entityId()))
        .ifPresent(session -> findings.add(new JournalFinding(
            JournalFinding.Kind.HOLE, Table.printable(key), "the index has it, and there is no history"))));
    return new JournalVerdict(
        verdict.sessions(), verdict.events(), verdict.damaged(), findings, verdict.notes());
  }
}
