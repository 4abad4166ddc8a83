package dev.portcullis.harness.agent;

import dev.portcullis.harness.HarnessUpdate;
import java.util.List;

/**
 * What an attempt has answered so far. Pieces are provisional: an agent says them again after a broken model
 * call, and the whole message, where it tells it, is what counts. Messages are set apart by an empty line.
 * Belongs to one attempt.
 */
final class AnswerText {
  private static final String APART = "\n\n";

  private final StringBuilder all = new StringBuilder();
  /** Where the message begins that is being said. */
  private int begin;

  /** A piece of the message that is being said. */
  List<HarnessUpdate> piece(String piece) {
    if (piece.isEmpty()) {
      return List.of();
    }
    var text = (begin > 0 && begin == all.length() ? APART : "") + piece;
    all.append(text);
    return List.of(new HarnessUpdate.Text(text));
  }

  /** The message is over, and this is all of it. */
  List<HarnessUpdate> whole(String message) {
    var lead = begin > 0 && !message.isEmpty() ? APART : "";
    var said = all.substring(begin);
    var meant = lead + message;
    all.setLength(begin);
    all.append(meant);
    begin = all.length();
    if (meant.equals(said)) {
      return List.of();
    }
    return meant.startsWith(said)
        ? List.of(new HarnessUpdate.Text(meant.substring(said.length())))
        : List.of(new HarnessUpdate.TextReplaced(all.toString()));
  }
}
