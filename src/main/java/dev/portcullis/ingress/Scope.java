package dev.portcullis.ingress;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a principal may do, from the server's own record of it; a request can never widen it. */
public enum Scope {
  READ("operator.read"),
  WRITE("operator.write"),
  APPROVALS("operator.approvals"),
  /** Lets devices in and out. */
  PAIRING("operator.pairing"),
  ADMIN("operator.admin");

  private final String word;

  Scope(String word) {
    this.word = word;
  }

  /** The word in settings and messages. */
  public String word() {
    return word;
  }

  /** All there are, for a message that says what may be asked for. */
  public static String words() {
    return Arrays.stream(values()).map(Scope::word).collect(Collectors.joining(", "));
  }

  /** Empty when there is no such scope. */
  public static Optional<Scope> of(String word) {
    return Arrays.stream(values()).filter(scope -> scope.word.equals(word)).findFirst();
  }

  /**
   * Whether holding this scope is enough where {@code wanted} is asked for: admin holds all, write includes
   * read.
   */
  boolean includes(Scope wanted) {
    return this == wanted || this == ADMIN || this == WRITE && wanted == READ;
  }
}
