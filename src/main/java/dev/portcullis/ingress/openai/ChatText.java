package dev.portcullis.ingress.openai;

/**
 * What of a run's text is still to be sent to a client that cannot take anything back. Text of one attempt
 * goes out as it comes. A newer attempt usually says the same again: as long as it does, nothing is sent;
 * what goes beyond is. Once it differs, all of its text is sent behind what the client has, because the
 * answer is the newer attempt's. An emoji cut in two between pieces is sent whole, with the second piece. One
 * stream's own; not thread-safe.
 */
final class ChatText {
  private final StringBuilder shown = new StringBuilder();
  private int attempt;
  /** How much of {@code shown} the newest attempt has said. */
  private int said;
  private String half = "";

  /** What to send now; empty when it is nothing. */
  String next(int ofAttempt, String piece) {
    if (ofAttempt < attempt) {
      return ""; // Superseded.
    }
    if (ofAttempt > attempt) {
      attempt = ofAttempt;
      said = 0;
    }
    int same = Math.min(piece.length(), shown.length() - said);
    if (shown.substring(said, said + same).equals(piece.substring(0, same))) {
      var beyond = piece.substring(same);
      shown.append(beyond);
      said += piece.length();
      return whole(beyond);
    }
    var all = shown.substring(0, said) + piece;
    shown.setLength(0);
    shown.append(all);
    said = all.length();
    half = ""; // It belongs to what is superseded.
    return whole(all);
  }

  /** What to send when all of an attempt's text so far turns out to be {@code whole}. */
  String replaced(int ofAttempt, String whole) {
    if (ofAttempt < attempt) {
      return "";
    }
    attempt = ofAttempt;
    said = 0;
    return next(ofAttempt, whole);
  }

  private String whole(String text) {
    var joined = half + text;
    boolean cut = !joined.isEmpty() && Character.isHighSurrogate(joined.charAt(joined.length() - 1));
    half = cut ? joined.substring(joined.length() - 1) : "";
    return cut ? joined.substring(0, joined.length() - 1) : joined;
  }
}
