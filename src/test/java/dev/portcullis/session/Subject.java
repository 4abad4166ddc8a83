package dev.portcullis.session;

import dev.portcullis.journal.MemoryDisk;
import dev.portcullis.protocol.SessionRow;
import java.util.List;

/** One session under test, however it is run. Each method returns when what follows from it has happened. */
interface Subject extends AutoCloseable {
  /** A write has failed: what was asked may have happened or not, and this life is over. */
  final class Fenced extends RuntimeException {}

  Receipt submit(String runId, List<Sessions.Key> keys);

  ControlReply abort(String runId);

  ControlReply resume(String runId);

  /** @param digest empty for one who does not say what was decided about */
  DecisionReply decide(String runId, String approvalId, String digest, boolean allow);

  void clear(boolean erase);

  int noteStop();

  /** What the harness says in attempt {@code attempt} of a run, live or not. */
  void hear(String runId, int attempt, Word word);

  /** Ends the active attempt in order. */
  void rest();

  /** The clock jumps. */
  void elapse(long seconds);

  void gate(Gate.State state);

  /** Ends this life without a word and begins the next one with a boot. */
  Session.Recovered crash(boolean autoResume);

  /** The next write fails so. */
  void failNextWrite(MemoryDisk.Fault fault);

  /** No write fails any more. @throws Fenced when one has */
  void callOffFault();

  /** Every event in the journal. */
  List<SessionEvent> journal();

  /** What viewers see; empty when there is no such session. */
  List<SessionRow> row();

  /** An index entry: a value, or nothing. */
  List<String> index(String space, String key);

  /** Attempts end by themselves when their time has passed. */
  boolean runsAttempts();

  /** Lets what is under way come to its end, until the journal adds up to {@code expected}. */
  void settle(String expected);

  @Override
  void close();
}
