package dev.portcullis.harness.http;

import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.http.ModelEvent.Count;
import dev.portcullis.protocol.FunctionCall;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** One answer as it comes: what of it is to be reported, and whether it is whole. Belongs to one thread. */
final class Answer {
  /** Longest answer that is taken; no model writes so much. */
  static final int CHARS_MAX = 16 << 20;
  /** Most calls in one answer, and the longest they may be together. */
  static final int CALLS_MAX = 128;
  static final int CALL_CHARS_MAX = 1 << 20;

  private record Piece(StringBuilder id, StringBuilder name, StringBuilder arguments) {}

  private final boolean offered;
  private final Map<Integer, Piece> calls = new TreeMap<>();
  private int callChars;
  private final StringBuilder text = new StringBuilder();
  private final Map<Count, Long> counts = new EnumMap<>(Count.class);
  private String stopReason = "end_turn";
  private boolean whole;
  private boolean done;

  /** @param offered whether functions were offered: a call of one that was not is nobody's to make */
  Answer(boolean offered) {
    this.offered = offered;
  }

  /**
   * What {@code event} means for who listens.
   *
   * @throws HarnessFault when the answer gets longer than {@link #CHARS_MAX}
   */
  List<HarnessUpdate> add(ModelEvent event) {
    return switch (event) {
      case ModelEvent.Text(var piece) when piece.isEmpty() -> List.of();
      case ModelEvent.Text(var piece) -> {
        text.append(piece);
        if (text.length() > CHARS_MAX) {
          throw HarnessFault.malformed("answer", "at most " + CHARS_MAX + " characters");
        }
        yield List.of(new HarnessUpdate.Text(piece));
      }
      case ModelEvent.Call call -> {
        if (offered) {
          call(call);
        }
        yield List.of();
      }
      case ModelEvent.Whole(var all) when all.isEmpty() || all.contentEquals(text) -> List.of();
      case ModelEvent.Whole(var all) -> {
        text.replace(0, text.length(), all);
        yield List.of(new HarnessUpdate.TextReplaced(all));
      }
      case ModelEvent.Tokens(var more) -> {
        counts.putAll(more);
        yield List.of(usage());
      }
      case ModelEvent.Stop(var reason, var complete) -> {
        // A refusal is told in pieces and ends like any other answer.
        stopReason = stopReason.equals("refusal") ? stopReason : reason;
        whole = whole || complete;
        yield List.of();
      }
      case ModelEvent.Done _ -> {
        whole = true;
        done = true;
        yield List.of();
      }
      case ModelEvent.Broken broken -> throw new IllegalStateException("no part of an answer: " + broken);
    };
  }

  private void call(ModelEvent.Call more) {
    callChars += more.id().length() + more.name().length() + more.arguments().length();
    var call = calls.computeIfAbsent(more.index(),
        _ -> new Piece(new StringBuilder(), new StringBuilder(), new StringBuilder()));
    if (calls.size() > CALLS_MAX || callChars > CALL_CHARS_MAX) {
      throw HarnessFault.malformed(
          "calls", "at most " + CALLS_MAX + " of " + CALL_CHARS_MAX + " characters together");
    }
    if (call.id().isEmpty()) { // Some servers say id and name with every piece.
      call.id().append(more.id());
    }
    if (call.name().isEmpty()) {
      call.name().append(more.name());
    }
    call.arguments().append(more.arguments());
  }

  private HarnessUpdate.Usage usage() {
    long cached = counts.getOrDefault(Count.CACHE_READ, 0L);
    long input = counts.getOrDefault(Count.INPUT, 0L) + counts.getOrDefault(Count.CACHE_WRITE, 0L) + cached;
    return new HarnessUpdate.Usage(input, counts.getOrDefault(Count.OUTPUT, 0L), cached, 0);
  }

  /** How it ended. A call that its model was kept from finishing is none. */
  HarnessUpdate.Completed end() {
    return calls.isEmpty() || stopReason.equals("max_tokens") || stopReason.equals("refusal")
        ? new HarnessUpdate.Completed(stopReason)
        : new HarnessUpdate.Completed("tool_calls", calls.entrySet().stream()
            .map(each -> call(each.getKey(), each.getValue()))
            .filter(call -> !call.name().isEmpty())
            .toList());
  }

  private static FunctionCall call(int index, Piece call) {
    return new FunctionCall(
        call.id().isEmpty() ? "call_" + index : call.id().toString(),
        call.name().toString(),
        call.arguments().isEmpty() ? "{}" : call.arguments().toString());
  }

  /** Whether a word of it was reported. */
  boolean begun() {
    return !text.isEmpty();
  }

  /** Whether it may end here. */
  boolean whole() {
    return whole;
  }

  /** Whether nothing follows. */
  boolean done() {
    return done;
  }
}
