package dev.portcullis.cli;

import java.io.ByteArrayInputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/** Runs commands as a user would, and keeps what they print. Its clock moves a second with every look. */
final class Shell {
  static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

  final Map<String, String> env = new HashMap<>();
  final StringWriter out = new StringWriter();
  final StringWriter err = new StringWriter();
  private final Random random = new Random(5);
  final Interrupts interrupts = new Interrupts();
  Patience patience = new Patience(Duration.ofMinutes(1), Duration.ofMillis(1), Duration.ofMillis(1));
  String home = "no-such-home";
  String input = "";
  boolean terminal;
  Clock clock = Clock.fixed(NOW, ZoneOffset.UTC);
  Server server = options -> {
    throw new IllegalStateException("nobody asked for " + options);
  };

  int run(String... arguments) {
    var console = new Console(env, home, new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
        new PrintWriter(out, true), new PrintWriter(err, true), terminal, clock, random);
    return Portcullis.run(server, console, patience, () -> interrupts, arguments);
  }

  /** Every look at the clock costs a second. */
  Shell withTimePassing() {
    var looks = new long[1];
    InstantSource source = () -> NOW.plusSeconds(looks[0]++);
    clock = source.withZone(ZoneOffset.UTC);
    return this;
  }

  String out() {
    return out.toString();
  }

  String err() {
    return err.toString();
  }
}
