package dev.portcullis.cli;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;

/** Instants and durations as people read them. */
final class Times {
  private static final DateTimeFormatter MINUTES = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm");

  private Times() {}

  /** "2m ago" within a day, else the local time; the text itself when it is no instant. */
  static String ago(String instant, Clock clock) {
    try {
      var at = Instant.parse(instant);
      var age = Duration.between(at, clock.instant());
      return age.toHours() >= 24 || age.isNegative()
          ? ZonedDateTime.ofInstant(at, clock.getZone()).format(MINUTES)
          : length(age) + " ago";
    } catch (DateTimeParseException notAnInstant) {
      return instant.isEmpty() ? "-" : instant;
    }
  }

  /** The two largest units: "3d 4h", "12m 5s", "0s". */
  static String length(Duration time) {
    if (time.toDays() > 0) {
      return time.toDays() + "d " + time.toHoursPart() + "h";
    }
    if (time.toHours() > 0) {
      return time.toHours() + "h " + time.toMinutesPart() + "m";
    }
    var seconds = time.toSecondsPart() + "s";
    return time.toMinutes() > 0 ? time.toMinutes() + "m " + seconds : seconds;
  }
}
