package dev.portcullis.evidence;

import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The page that says which test vouches for what. The same results give the same bytes: no times, no paths.
 */
final class Evidence {
  /** Invariants (INV-J2, D1), interleavings (IL-12), fault tests (K-1), security tests (SEC-01). */
  private static final Pattern ID = Pattern.compile("(INV-|IL-|SEC-)?[A-Z]{0,2}-?\\d{1,3}");
  private static final Comparator<Proof> ORDER = Comparator
      .comparing((Proof proof) -> proof.id().replaceAll("\\d", ""))
      .thenComparing(proof -> Integer.parseInt(proof.id().replaceAll("\\D", "")))
      .thenComparing(Proof::test);

  private Evidence() {}

  static boolean isId(String tag) {
    return ID.matcher(tag).matches() && Character.isLetter(tag.charAt(0));
  }

  static String page(Map<Proof, Proof.Result> proofs) {
    var rows = proofs.entrySet().stream()
        .sorted(Map.Entry.comparingByKey(ORDER))
        .map(proof -> "| %s | %s | %s |\n".formatted(
            proof.getKey().id(), proof.getKey().test(), proof.getValue().name().toLowerCase(Locale.ROOT)))
        .collect(Collectors.joining());
    return """
        # Evidence

        Which test vouches for which promise. Written by the test run (`.ci/evidence`), never by
        hand. The ids are those of the invariants, interleavings, fault tests, resume scenarios and API
        rules that the gateway is held to; a test carries its ids as tags.

        | id | test | result |
        |---|---|---|
        """ + rows;
  }
}
