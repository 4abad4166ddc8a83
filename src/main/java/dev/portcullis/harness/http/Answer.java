package dev.portcullis.harness.http;

import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.http.ModelEvent.Count;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** One answer as it comes: what of it is to be reported, and whether it is whole. Belongs to one thread. */
final class Answer {
  /** Longest answer that is taken; no model writes so much. */
  static final int CHARS_MAX = 16 << 20;

  private final StringBuilder text = new StringBuilder();
  private final Map<Count, Long> counts = new EnumMap<>(Count.class);
  private String stopReason = "end_turn";
  private boolean whole;
  private boolean done;

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

  private HarnessUpdate.Usage usage() {
    long cached = counts.getOrDefault(Count.CACHE_READ, 0L);
    long input = counts.getOrDefault(Count.INPUT, 0L) + counts.getOrDefault(Count.CACHE_WRITE, 0L) + cached;
    return new HarnessUpdate.Usage(input, counts.getOrDefault(Count.OUTPUT, 0L), cached, 0);
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

  String stopReason() {
    return stopReason;
  }
}
