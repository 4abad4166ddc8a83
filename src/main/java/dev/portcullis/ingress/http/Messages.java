package dev.portcullis.ingress.http;

/** What may be said in one turn. */
final class Messages {
  private Messages() {}

  /** @throws dev.portcullis.ingress.InputFault when {@code text} is blank or longer than {@code mostChars} */
  static String checked(String field, String text, int mostChars) {
    if (text.isBlank()) {
      throw Fields.fault(field, "must not be empty");
    }
    if (text.length() > mostChars) {
      throw Fields.fault(field, "is longer than " + mostChars + " characters");
    }
    return text;
  }
}
