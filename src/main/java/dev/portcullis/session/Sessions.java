package dev.portcullis.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.journal.JournalFigures;
import dev.portcullis.protocol.Approval;
import dev.portcullis.protocol.HistoryEntry;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.SessionRow;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
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
   * @param input what the turn carries besides its message; without any, the message is not blank
   * @param call as which its client may send it again; an empty list when it says nothing of the kind
   * @param note whatever the edge wants to find again with {@link #turn}; empty for nothing
   * @param anywhere whether the principal may speak in sessions of others, too
   */
  record Turn(
      SessionKey session, String principal, String message, List<Message> context, List<Key> key,
      Input input, List<Call> call, String note, boolean anywhere) {
    public Turn {
      context = List.copyOf(context);
      key = List.copyOf(key);
      call = List.copyOf(call);
    }

    public Turn(
        SessionKey session, String principal, String message, List<Message> context, List<Key> key) {
      this(session, principal, message, context, key, Input.NONE);
    }

    public Turn(
        SessionKey session, String principal, String message, List<Message> context, List<Key> key,
        Input input) {
      this(session, principal, message, context, key, input, List.of(), "");
    }

    /** Into a session of its own, or a new one. */
    public Turn(
        SessionKey session, String principal, String message, List<Message> context, List<Key> key,
        Input input, List<Call> call, String note) {
      this(session, principal, message, context, key, input, call, note, false);
    }

    /** By one who may speak in sessions of others, or may not. */
    public Turn spoken(boolean anywhere) {
      return new Turn(session, principal, message, context, key, input, call, note, anywhere);
    }
  }

  /**
   * A call whose client counts how often it has sent it, and gives it no key.
   *
   * @param digest SHA-256 in hex of principal, route and body: nothing else tells two such calls apart
   * @param count 0 for the first time
   */
  record Call(String digest, int count) {}

  /**
   * @param digest SHA-256 in hex of principal, route and key: keys of different scopes never meet
   * @param body SHA-256 in hex of what the key stands for
   * @param runId what the run is to be called if it is new; empty for an id of ours. The asker makes it from
   *     the key, so that no other turn is ever called so
   */
  record Key(String digest, String body, String runId) {
    public Key {
      runId = Objects.requireNonNullElse(runId, ""); // Absent in what an older node sends.
    }

    public Key(String digest, String body) {
      this(digest, body, "");
    }
  }

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

  /**
   * The run that an earlier sending of the same call began, and that no other sending with this count or a
   * higher one has claimed: the newest of the last 15 minutes. Once it is given out, it is claimed, durably.
   */
  CompletionStage<Optional<String>> repeated(Call call);

  /** What began a run, without its keys; empty when there is no such run, or its texts are gone. */
  CompletionStage<Optional<Turn>> turn(String runId);

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
   * one, read at the pace of who reads them. Fails with {@link java.util.NoSuchElementException} when there
   * is no such run, or its events are trimmed while they are read.
   */
  Source<RunEvent, NotUsed> events(String runId, long after);

  /** Fails with {@link IllegalArgumentException} when no page has named the cursor. */
  CompletionStage<Page> list(Query query);

  CompletionStage<Optional<SessionRow>> row(SessionKey session);

  /** Whose session a run belongs to; empty when there is no such run, or its session is gone. */
  CompletionStage<Optional<String>> ownerOf(String runId);

  /** A row that somebody has seen. */
  record Seen(SessionKey session, long rev) {}

  /**
   * Waits, at most a second, until rows and lists that are read here know of all of these (INV-A7). False
   * when they still do not: what is read then is stale.
   */
  CompletionStage<Boolean> caughtUp(List<Seen> seen);

  /**
   * What a viewer of rows wants to be told.
   *
   * @param after the position of the newest change it has seen; empty when it has seen nothing
   * @param activeOnly to begin with, only rows with an active run; afterwards every change, so that a row
   *     which ceases to be active is told of
   * @param agent only this agent's, empty for all
   * @param owner only sessions of this principal, empty for all
   */
  record Watch(String after, boolean activeOnly, String agent, String owner) {
    /** Everything, from now on. */
    public static final Watch ALL = new Watch("", false, "", "");

    public boolean wants(SessionRow row) {
      return (agent.isEmpty() || agent.equals(row.agent())) && (owner.isEmpty() || owner.equals(row.owner()));
    }
  }

  /** What a viewer of rows is told. */
  sealed interface Change {
    /**
     * Rows follow, up to {@link Complete}: when {@code full}, all there are, and what is not among them is
     * not there any more; else those that have changed since the position that the viewer came with. Comes
     * again when a viewer was away for too long.
     */
    record Begin(boolean full) implements Change {}

    /**
     * A row as it is. Of several changes while the viewer did not look, the newest.
     *
     * @param position where a viewer that has seen this one can go on; empty where it cannot
     */
    record Row(SessionRow row, String position) implements Change {}

    /** The viewer knows all there is now. */
    record Complete(String position) implements Change {}
  }

  /**
   * What there is, then what changes, at the pace of who reads it: nothing is kept for a slow viewer, and
   * nothing is lost to it. Positions of another process mean nothing here; who comes with one gets all.
   */
  Source<Change, NotUsed> watch(Watch watch);

  /**
   * Every row as it is, then every changed one; {@code rev} tells which is newer. An erased one is the last
   * that is told of its session.
   */
  default Source<SessionRow, NotUsed> changes() {
    return RowWatch.rows(watch(Watch.ALL));
  }

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
}
