package dev.portcullis.cli;

import java.io.InputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * What a command has around it.
 *
 * @param home directory of the installation, where {@code conf/} and {@code deploy/} lie
 * @param terminal whether a person is looking
 */
record Console(
    Map<String, String> env,
    String home,
    InputStream in,
    PrintWriter out,
    PrintWriter err,
    boolean terminal,
    Clock clock,
    RandomGenerator random) {

  static Console ofProcess() {
    var console = System.console();
    return new Console(
        System.getenv(),
        System.getProperty("portcullis.home", "."),
        System.in,
        new PrintWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8), true),
        new PrintWriter(new OutputStreamWriter(System.err, StandardCharsets.UTF_8), true),
        console != null && console.isTerminal(),
        Clock.systemDefaultZone(),
        new SecureRandom());
  }

  void line(String text) {
    out.println(text);
  }

  /** Something for the person at the keyboard that is not the command's result. */
  void note(String text) {
    err.println(text);
  }
}
