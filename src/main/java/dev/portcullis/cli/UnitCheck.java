package dev.portcullis.cli;

import static java.util.Objects.requireNonNullElse;

import dev.portcullis.config.GatewayConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A process manager that kills before the drain is over cuts off what might have come to rest. */
final class UnitCheck {
  private static final String CHECK = "unit file";
  private static final Pattern STOP =
      Pattern.compile("(?m)^TimeoutStopSec=(?:(\\d{1,9})min\\s*)?(?:(\\d{1,9})s?)?\\s*$");
  /** To stop idle agents, close ports and close the journal. */
  private static final Duration MARGIN = Duration.ofSeconds(20);
  /** Beyond another grace, to hand sessions over and leave the other nodes. */
  private static final Duration LEAVING = Duration.ofSeconds(30);

  private UnitCheck() {}

  static Finding of(GatewayConfig config, Path home) {
    return Stream.concat(
            Stream.of("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
                .map(Path::of),
            Stream.of(home.resolve("deploy/systemd")))
        .map(directory -> directory.resolve("portcullis.service"))
        .filter(Files::isReadable)
        .findFirst()
        .map(unit -> compare(unit, config))
        .orElseGet(() -> Finding.sound(CHECK, "none; whatever stops the gateway must wait "
            + needed(config).toSeconds() + "s before it kills"));
  }

  private static Finding compare(Path unit, GatewayConfig config) {
    var needed = needed(config);
    var allowed = allowed(unit);
    if (allowed.isEmpty()) {
      return Finding.broken(CHECK, unit + " has no TimeoutStopSec in seconds; set it to "
          + needed.toSeconds());
    }
    return allowed.getFirst().compareTo(needed) < 0
        ? Finding.broken(CHECK, unit + ": TimeoutStopSec=" + allowed.getFirst().toSeconds()
            + " is shorter than a drain and what follows it; set it to " + needed.toSeconds())
        : Finding.sound(CHECK, unit + ": TimeoutStopSec=" + allowed.getFirst().toSeconds() + " covers "
            + needed.toSeconds() + "s");
  }

  private static Duration needed(GatewayConfig config) {
    var drain = config.drain();
    var alone = drain.deadline().plus(drain.grace()).plus(MARGIN);
    return config.cluster().enabled() ? alone.plus(drain.grace()).plus(LEAVING) : alone;
  }

  /** The last value counts, as systemd has it; none or one. */
  private static List<Duration> allowed(Path unit) {
    try {
      return STOP.matcher(Files.readString(unit)).results()
          .map(found -> Duration.ofMinutes(Long.parseLong(requireNonNullElse(found.group(1), "0")))
              .plusSeconds(Long.parseLong(requireNonNullElse(found.group(2), "0"))))
          .reduce((_, last) -> last)
          .stream()
          .toList();
    } catch (IOException unreadable) {
      return List.of();
    }
  }
}
