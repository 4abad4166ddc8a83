package dev.portcullis.harness.echo;

import dev.portcullis.harness.HarnessFault;
import java.time.Duration;
import java.util.regex.Pattern;

/**
 * What a message asks of the echo: {@code [[echo words=50 gap=100ms first=2s step=NAME step-time=5s approve
 * correct fail=CODE tries=1 hang]]}, each part optional, anywhere in the message.
 *
 * @param text the message without the directive
 * @param words length of the answer, 0 for as long as it is
 * @param step name of a step to report, empty for none
 * @param correct whether something wrong is said first and taken back at the end
 * @param fail error code to end with, empty for none
 * @param tries how many tries of the run end with it, 0 for all: later ones show what follows from a failure
 */
record EchoDirective(
    String text,
    int words,
    Duration gap,
    Duration first,
    String step,
    Duration stepTime,
    boolean approve,
    boolean correct,
    String fail,
    int tries,
    boolean hang) {
  static final int WORDS_MAX = 100_000;
  private static final Pattern DIRECTIVE = Pattern.compile("\\s*\\[\\[echo\\b([^\\]]*)]]\\s*");
  private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h)");

  /** Whether try number {@code attempt} ends with the error code. */
  boolean fails(int attempt) {
    return !fail.isEmpty() && (tries == 0 || attempt <= tries);
  }

  /** @throws HarnessFault {@code MALFORMED}, naming the part that can't be read */
  static EchoDirective of(String message) {
    var match = DIRECTIVE.matcher(message);
    if (!match.find()) {
      if (message.contains("[[echo")) {
        throw HarnessFault.malformed("[[echo", "a closing ]]");
      }
      return new Reader(message).read("");
    }
    var before = message.substring(0, match.start());
    var after = message.substring(match.end());
    if (after.contains("[[echo")) {
      throw HarnessFault.malformed("[[echo", "one directive in a message");
    }
    var text = before.isEmpty() || after.isEmpty() ? before + after : before + " " + after;
    return new Reader(text).read(match.group(1));
  }

  /** Collects the parts of one directive. */
  private static final class Reader {
    private final String text;
    private int words;
    private Duration gap = Duration.ZERO;
    private Duration first = Duration.ZERO;
    private String step = "";
    private Duration stepTime = Duration.ZERO;
    private boolean approve;
    private boolean correct;
    private String fail = "";
    private int tries;
    private boolean hang;

    Reader(String text) {
      this.text = text;
    }

    EchoDirective read(String parts) {
      for (var part : parts.strip().split("\\s+")) {
        if (!part.isEmpty()) {
          var equals = part.indexOf('=');
          part(equals < 0 ? part : part.substring(0, equals), equals < 0 ? "" : part.substring(equals + 1));
        }
      }
      if (step.isEmpty() && !stepTime.isZero()) {
        throw HarnessFault.malformed("step-time", "a step beside it");
      }
      if (fail.isEmpty() && tries > 0) {
        throw HarnessFault.malformed("tries", "a fail beside it");
      }
      return new EchoDirective(text, words, gap, first, step, stepTime, approve, correct, fail, tries, hang);
    }

    private void part(String key, String value) {
      switch (key) {
        case "words" -> words = number(key, value);
        case "gap" -> gap = duration(key, value);
        case "first" -> first = duration(key, value);
        case "step" -> step = word(key, value);
        case "step-time" -> stepTime = duration(key, value);
        case "approve" -> approve = flag(key, value);
        case "correct" -> correct = flag(key, value);
        case "fail" -> fail = word(key, value);
        case "tries" -> tries = number(key, value);
        case "hang" -> hang = flag(key, value);
        case String other -> throw HarnessFault.malformed(other,
            "one of words, gap, first, step, step-time, approve, correct, fail, tries, hang");
      }
    }

    private static int number(String key, String value) {
      if (!value.matches("\\d{1,6}") || Integer.parseInt(value) > WORDS_MAX) {
        throw HarnessFault.malformed(key, "a number up to " + WORDS_MAX);
      }
      return Integer.parseInt(value);
    }

    private static Duration duration(String key, String value) {
      var match = DURATION.matcher(value);
      if (!match.matches()) {
        throw HarnessFault.malformed(key, "a duration such as 100ms, 2s, 5m or 1h");
      }
      var amount = Long.parseLong(match.group(1));
      return switch (match.group(2)) {
        case "ms" -> Duration.ofMillis(amount);
        case "s" -> Duration.ofSeconds(amount);
        case "m" -> Duration.ofMinutes(amount);
        default -> Duration.ofHours(amount);
      };
    }

    private static String word(String key, String value) {
      if (!value.matches("[\\w.:/-]{1,100}")) {
        throw HarnessFault.malformed(key, "a name of letters, digits and _ . : / -");
      }
      return value;
    }

    private static boolean flag(String key, String value) {
      if (!value.isEmpty()) {
        throw HarnessFault.malformed(key, "no value");
      }
      return true;
    }
  }
}
