package dev.portcullis.session;

import dev.portcullis.protocol.SessionRow;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * The newest events that a session has written in this life: whoever follows it would read from the disk what
 * was in memory a moment ago. They are in the journal already, so nothing is told that a crash could take
 * back. Bounded; belongs to one actor.
 */
final class Newest {
  static final int EVENTS_MAX = 32;
  /** Characters of text in all of them; one that alone has more is not kept. */
  static final int CHARS_MAX = 32_768;

  private final boolean clustered;
  private final Deque<SessionEvent> events = new ArrayDeque<>();
  private long last;
  private long chars;

  /** @param clustered whether a position has to carry the row for the list of another node */
  Newest(boolean clustered) {
    this.clustered = clustered;
  }

  /** @param seq position of the last of {@code written} */
  void add(List<SessionEvent> written, long seq) {
    if (seq != last + written.size()) { // Others were written meanwhile, or this is the first time.
      events.clear();
      chars = 0;
    }
    last = seq;
    for (var event : written) {
      // Whoever reads them shows no image and no context; nor are they kept for it.
      var kept = event instanceof SessionEvent.TurnAccepted turn ? turn.told() : event;
      events.addLast(kept);
      chars += chars(kept);
    }
    while (events.size() > EVENTS_MAX || chars > CHARS_MAX) {
      chars -= chars(events.removeFirst());
    }
  }

  /** Where {@code state} stands, with its newest events, without gaps; none when they end elsewhere. */
  Session.Position position(SessionState state) {
    var newest = state.seq() == last ? List.copyOf(events) : List.<SessionEvent>of();
    var rows = clustered ? Rows.known(state) : List.<SessionRow>of();
    return new Session.Position(state.seq(), state.since(), state.erasedTo(), rows, newest);
  }

  private static long chars(SessionEvent event) {
    return switch (event) {
      case SessionEvent.TurnAccepted turn -> turn.message().length() + turn.note().length();
      case SessionEvent.RunCompleted done ->
          done.calls().stream().mapToLong(call -> call.arguments().length()).sum();
      case SessionEvent.TextAppended text -> text.text().length();
      case SessionEvent.TextReplaced text -> text.text().length();
      case SessionEvent.ApprovalRequested ask -> ask.title().length() + ask.input().length();
      case SessionEvent.StepStarted step -> step.title().length();
      case SessionEvent _ -> 0;
    };
  }
}
