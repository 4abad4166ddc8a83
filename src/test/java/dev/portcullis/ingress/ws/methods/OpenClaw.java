package dev.portcullis.ingress.ws.methods;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** OpenClaw's real programs, as {@code .ci/install-clients} has put them below {@code target/clients}. */
final class OpenClaw {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Path home;
  private final Path program;
  private final Path node;
  private final Path screen;
  private boolean onScreen;

  private OpenClaw(Path home, Path program, Path node) {
    this.home = home;
    this.program = program;
    this.node = node;
    this.screen = home.resolve("tmux");
  }

  /** Set up for one gateway, with a home of its own; the test is skipped where it is not installed. */
  static OpenClaw at(Path directory, int port, String token) throws IOException {
    var modules = Path.of(Optional.ofNullable(System.getenv("PORTCULLIS_TEST_CLIENTS")).orElse("target/clients"))
        .resolve("openclaw/node_modules").toAbsolutePath();
    var program = modules.resolve("openclaw/openclaw.mjs");
    assumeTrue(Files.exists(program), "OpenClaw is not installed: run .ci/install-clients");
    try (var all = Files.list(modules)) {
      var node = all.map(each -> each.resolve("bin/node")).filter(Files::isExecutable).findFirst();
      assumeTrue(node.isPresent(), "OpenClaw's Node is not installed: run .ci/install-clients");
      var settings = Files.createDirectories(directory.resolve(".openclaw")).resolve("openclaw.json");
      Files.writeString(settings, """
          {"gateway": {"mode": "remote", "remote": {"url": "ws://127.0.0.1:%d", "token": "%s"}}}
          """.formatted(port, token));
      return new OpenClaw(directory, program, node.get());
    }
  }

  /** What the command prints, if it ends well. */
  String run(String... arguments) throws IOException, InterruptedException {
    var out = Files.createTempFile(home, "out", ".txt");
    var err = Files.createTempFile(home, "err", ".txt");
    var process = builder(command(arguments)).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    try {
      assertTrue(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS), "it does not end");
      assertTrue(process.exitValue() == 0, () -> read(out) + read(err));
      return read(out);
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private List<String> command(String... arguments) {
    var command = new ArrayList<>(List.of(node.toString(), program.toString()));
    command.addAll(List.of(arguments));
    return command;
  }

  private ProcessBuilder builder(List<String> command) {
    var builder = new ProcessBuilder(command).directory(home.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("OPENCLAW") || name.startsWith("TMUX"));
    builder.environment().putAll(Map.of(
        "HOME", home.toString(), "TERM", "xterm-256color", "LANG", "C.UTF-8",
        "OPENCLAW_STATE_DIR", home.resolve(".openclaw").toString()));
    return builder;
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException gone) {
      return "";
    }
  }

  /** Starts a program on a screen of its own; the test is skipped without tmux. */
  void open(String... arguments) throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/tmux")), "tmux is not installed");
    onScreen = true;
    var all = new ArrayList<>(List.of("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "50"));
    all.addAll(command(arguments));
    tmux(all);
  }

  void type(String text) throws IOException, InterruptedException {
    tmux(List.of("send-keys", "-l", text));
    awaitScreen(shown -> shown.contains(text));
    tmux(List.of("send-keys", "Enter"));
  }

  void escape() throws IOException, InterruptedException {
    tmux(List.of("send-keys", "Escape"));
  }

  void awaitScreen(Predicate<String> shown) throws InterruptedException {
    await(() -> shown.test(screen()), this::screen);
  }

  static void await(BooleanSupplier so, Supplier<String> otherwise)
      throws InterruptedException {
    long until = System.nanoTime() + PATIENCE.toNanos();
    while (!so.getAsBoolean()) {
      if (System.nanoTime() > until) {
        fail("not so in time: " + otherwise.get());
      }
      Thread.sleep(50); // Between two looks; a screen tells nobody when it changes.
    }
  }

  private String screen() {
    try {
      return tmux(List.of("capture-pane", "-p"));
    } catch (IOException | InterruptedException broken) {
      throw new IllegalStateException(broken);
    }
  }

  private String tmux(List<String> arguments) throws IOException, InterruptedException {
    var command = new ArrayList<>(List.of("/usr/bin/tmux", "-S", screen.toString()));
    command.addAll(arguments);
    var process = builder(command).redirectErrorStream(true).start();
    var said = new String(process.getInputStream().readAllBytes());
    process.waitFor();
    return said;
  }

  /** Ends what is on the screen, and the screen. */
  void close() throws IOException, InterruptedException {
    if (onScreen) {
      var server = tmux(List.of("display-message", "-p", "#{pid} #{pane_pid}")).strip().split(" ");
      tmux(List.of("kill-server"));
      for (var pid : server) { // Both go at once; a test leaves no process behind.
        if (pid.matches("\\d+")) {
          ProcessHandle.of(Long.parseLong(pid)).ifPresent(left -> left.onExit().orTimeout(10, TimeUnit.SECONDS)
              .exceptionally(_ -> {
                left.destroyForcibly();
                return left;
              }).join());
        }
      }
    }
  }
}
