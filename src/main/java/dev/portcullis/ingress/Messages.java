package dev.portcullis.ingress;

/** What may be said in one turn. */
public final class Messages {
  private Messages() {}

  /** @throws dev.portcullis.ingress.InputFault when {@code text} is blank or longer than {@code mostChars} */
  public static String checked(String field, String text, int mostChars) {
    if (text.isBlank()) {
      throw Fields.fault(field, "must not be empty");
    }
    return bounded(field, text, mostChars);
  }

  /** As above, and it may be blank: the turn brings something else. */
  public static String bounded(String field, String text, int mostChars) {
    if (text.length() > mostChars) {
      throw Fields.fault(field, "is longer than " + mostChars + " characters");
    }
    return text;
  }
}
