package dev.portcullis.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Foreign text on a terminal: what cannot be seen, or makes other text look different, is spelt out. */
final class Shown {
  /** Letters and marks without an image of their own, which no category tells from the others. */
  private static final String BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0";

  private Shown() {}

  /** One line, whatever it holds. */
  static String line(String text) {
    return text.codePoints().mapToObj(Shown::point).collect(Collectors.joining());
  }

  private static String point(int point) {
    return isVisible(point) ? Character.toString(point) : String.format("<U+%04X>", point);
  }

  private static boolean isVisible(int point) {
    return switch (Character.getType(point)) {
      case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE,
          Character.UNASSIGNED, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> false;
      case Character.SPACE_SEPARATOR -> point == ' ';
      default -> BLANK.indexOf(point) < 0 && !isVariation(point);
    };
  }

  private static boolean isVariation(int point) {
    return point >= 0xfe00 && point <= 0xfe0f || point >= 0xe0100 && point <= 0xe01ef
        || point >= 0x180b && point <= 0x180f;
  }

  /**
   * An approval, whole. Each line of the input stands behind a bar, so that none can pass for one of ours.
   *
   * @param asked as the gateway's list or an event has it
   */
  static List<String> approval(JsonNode asked) {
    var lines = new ArrayList<String>();
    lines.add("  kind       " + line(asked.path("kind").asText()));
    lines.add("  title      " + line(asked.path("title").asText()));
    lines.add("  directory  " + line(asked.path("directory").asText()));
    lines.add("  input");
    for (var each : asked.path("input").asText().split("\n", -1)) {
      lines.add("    | " + each.codePoints()
          .mapToObj(point -> point == '\t' ? "\t" : point(point))
          .collect(Collectors.joining()));
    }
    lines.add("  digest     " + line(asked.path("digest").asText()));
    lines.add("  expires    " + line(asked.path("expiresAt").asText()));
    return lines;
  }
}
