package dev.portcullis.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.journal.JournalFigures;
import dev.portcullis.protocol.Approval;
import dev.portcullis.protocol.HistoryEntry;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.SessionRow;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/**
 * The way in from outside: every transport goes through here. A stage that fails with a time-out means
 * "unknown": what was asked may have happened, and can be asked again. What has no answer for a session in
 * quarantine fails with {@link Damaged}.
 */
public interface Sessions {
  /**
   * A turn to be taken.
   *
   * @param context messages that the client sent before {@code message}, for a session that does not have
   *     them
   * @param key idempotency key and the digest of the body it stands for; an empty list when there is none
   * @param anywhere whether the principal may speak in sessions of others, too
   */
  record Turn(
      SessionKey session, String principal, String message, List<Message> context, List<Key> key,
      boolean anywhere) {
    /** Into a session of its own, or a new one. */
    public Turn(
        SessionKey session, String principal, String message, List<Message> context, List<Key> key) {
      this(session, principal, message, context, key, false);
    }

    public Turn {
      context = List.copyOf(context);
      key = List.copyOf(key);
    }
  }

  /**
   * @param digest SHA-256 in hex of principal, route and key: keys of different scopes never meet
   * @param body SHA-256 in hex of what the key stands for
   */
  record Key(String digest, String body) {}

  /** Rows in the order of their last change, newest first. {@code next} is empty on the last page. */
  record Page(List<SessionRow> rows, String next) {}

  /**
   * @param agent only this agent's, empty for all; {@code cursor} empty for the first page
   * @param owner only this principal's, empty for all
   */
  record Query(int limit, String cursor, boolean activeOnly, String agent, String owner) {
    /** Of every owner. */
    public Query(int limit, String cursor, boolean activeOnly, String agent) {
      this(limit, cursor, activeOnly, agent, "");
    }
  }

  CompletionStage<Receipt> submit(Turn turn);

  /** @param by who asks, as the journal will have it */
  CompletionStage<ControlReply> abort(String runId, String by);

  CompletionStage<ControlReply> resume(String runId, String by);

  /**
   * Answers a question, once; it never answers {@code NotOpen} where there was a question.
   *
   * @param digest of what was decided about; empty when the asker does not say
   * @param by who decides, as the asker has proved to the edge
   */
  CompletionStage<DecisionReply> decide(String approvalId, String digest, boolean allow, String by);

  /** As the journal has it; empty when there is no such approval, or its run's texts are gone. */
  CompletionStage<Optional<Approval>> approval(String approvalId);

  /** What nobody has decided yet, oldest first. */
  CompletionStage<List<Approval>> approvals();

  /**
   * The session gets a new id and an empty transcript; a run that is open is aborted. Empty when it does not
   * exist.
   */
  CompletionStage<Optional<SessionRow>> reset(SessionKey session, String by);

  /** Removes the session from every view; an active run is aborted. False when it does not exist. */
  CompletionStage<Boolean> erase(SessionKey session, String by);

  /** Folded from the journal; empty when there never was such a run. */
  CompletionStage<Optional<RunView>> run(String runId);

  /** The run once it has ended, or as it stands after {@code atMost}. */
  CompletionStage<Optional<RunView>> awaitEnd(String runId, Duration atMost);

  /**
   * Events with a number above {@code after}, from the journal and then live, complete after the terminal
   * one. Fails with {@link java.util.NoSuchElementException} when there is no such run. A viewer too slow for
   * the buffer fails with {@link Lagging} and may come back with the last number it saw.
   */
  Source<RunEvent, NotUsed> events(String runId, long after);

  CompletionStage<Page> list(Query query);

  CompletionStage<Optional<SessionRow>> row(SessionKey session);

  /** Whose session a run belongs to; empty when there is no such run, or its session is gone. */
  CompletionStage<Optional<String>> ownerOf(String runId);

  /** Every row as it is, then every changed one; {@code rev} tells which is newer. */
  default Source<SessionRow, NotUsed> changes() {
    return changes("");
  }

  /** As above; only of this owner's sessions, empty for all. */
  Source<SessionRow, NotUsed> changes(String owner);

  /** Messages of the current session id, oldest first, above journal position {@code after}. */
  CompletionStage<List<HistoryEntry>> history(SessionKey session, long after, int limit);

  default CompletionStage<Totals> totals() {
    return totals("");
  }

  /** Of this owner's sessions, empty for all. */
  CompletionStage<Totals> totals(String owner);

  /**
   * A session's events as the journal has them, above {@code after}, at most {@code limit}, as objects
   * {@code persistenceId, seq, at, type, digest, event}. Fails with {@code JournalFault} at the first that
   * cannot be proved, unless others come before it.
   */
  CompletionStage<List<JsonNode>> recorded(SessionKey session, long after, int limit);

  /** How much the journal holds. Reads all of it. */
  CompletionStage<JournalFigures> figures();

  /**
   * Closed accounting: accepted = terminal + open + parked.
   *
   * @param open runs that go on by themselves: active, queued, interrupted
   * @param parked runs that wait for a person, also those of sessions in quarantine
   * @param quarantined sessions whose history is damaged
   */
  record Totals(
      long sessions, long accepted, long terminal, long open, long active, long queued, long interrupted,
          long parked, long quarantined) {}

  /** The session's history cannot be proved: nothing of it is shown and nothing was changed. */
  final class Damaged extends RuntimeException {
    private final Quarantined answer;

    public Damaged(Quarantined answer) {
      super("the session's history is damaged");
      this.answer = answer;
    }

    public Quarantined answer() {
      return answer;
    }
  }

  /** A viewer that did not keep up. */
  final class Lagging extends RuntimeException {
    Lagging() {
      super("the viewer did not keep up; reattach after the last event it saw");
    }
  }
}
