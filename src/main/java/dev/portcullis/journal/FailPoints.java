package dev.portcullis.journal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * A switch for crash tests only: halts the process, as {@code kill -9} would, exactly at a named point of the
 * code, or fails there as a disk would. The system property {@code portcullis.failpoint} lists points,
 * {@code <point>} for the first and {@code <point>#n} for the n-th time it is reached; with {@code !} before
 * it the point throws. Without the property nothing is compared and the calls
 * cost nothing. Points of the journal: {@code persist.<manifest>.before} the store's write of an event, and
 * {@code persist.<manifest>.after} it, before anybody is told.
 */
public final class FailPoints {

  private static final int KILLED = 137;
  private static final List<Point> POINTS = parse(System.getProperty("portcullis.failpoint", ""));
  private static final boolean ARMED = !POINTS.isEmpty();

  private record Point(String name, AtomicInteger left, boolean fails) {
    static Point parse(String text) {
      boolean fails = text.startsWith("!");
      var parts = text.substring(fails ? 1 : 0).split("#", 2);
      int nth = parts.length == 1 ? 1 : Integer.parseInt(parts[1]);
      return new Point(parts[0], new AtomicInteger(nth), fails);
    }
  }

  private FailPoints() {}

  /** Whether any point is set; for callers that would have to build a name. */
  public static boolean armed() {
    return ARMED;
  }

  /**
   * Ends the process here when this point is due.
   *
   * @throws UncheckedIOException when the point was told to fail
   */
  public static void hit(String name) {
    if (ARMED) {
      for (var point : POINTS) {
        if (point.name().equals(name) && point.left().decrementAndGet() == 0) {
          if (point.fails()) {
            throw new UncheckedIOException(new IOException("fail-point " + name));
          }
          Runtime.getRuntime().halt(KILLED);
        }
      }
    }
  }

  private static List<Point> parse(String property) {
    return Stream.of(property.split(","))
        .map(String::strip)
        .filter(text -> !text.isEmpty())
        .map(Point::parse)
        .toList();
  }
}
