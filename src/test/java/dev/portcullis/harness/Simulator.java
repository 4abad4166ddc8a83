package dev.portcullis.harness;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Stream;

/**
 * A stand-in agent, a program of its own: {@code Simulator acp | claude | codex}. What it does in a turn is
 * scripted by the last {@code [[sim …]]} of the prompt, see {@link SimulatorScript}; what it is, by the
 * environment: SIM_DELAY_MS (before the first word; {@code never}), SIM_PROTOCOL (version, ACP), SIM_NAME,
 * SIM_CAPABILITIES (load, resume), SIM_LOGIN (the only {@code authenticate} that helps, ACP), SIM_CHOICES (how
 * model and mode are chosen, ACP), SIM_STORE (directory of sessions, each a file of its prompts), SIM_LEDGER (file
 * of effects: session, number of the prompt in it, call, name).
 */
public final class Simulator {
  static final ObjectMapper JSON = new ObjectMapper();
  static final Map<String, String> ENV = System.getenv();
  private static final FileOutputStream OUT = new FileOutputStream(FileDescriptor.out);

  /** What the host answered to the agent's own requests. */
  static final BlockingQueue<JsonNode> ANSWERS = new LinkedBlockingQueue<>();
  static volatile CountDownLatch cancelled = new CountDownLatch(1);
  /** It neither ends with its input nor on SIGTERM. */
  static volatile boolean deaf;
  /** It reads no further. */
  static volatile boolean inputClosed;

  private Simulator() {}

  /** Command line of a simulator that runs like the JVM it is called from. */
  public static List<String> arguments(String dialect) {
    return List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m", "-Xrs", "-Xshare:auto",
        "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
        Simulator.class.getName(), dialect);
  }

  public static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  public static void main(String[] args) throws Exception {
    var delay = ENV.getOrDefault("SIM_DELAY_MS", "0");
    Thread.sleep(delay.equals("never") ? Long.MAX_VALUE : Long.parseLong(delay));
    var dialect = switch (args[0]) {
      case "acp" -> new SimulatorAcp();
      case "claude" -> SimulatorClaude.called(List.of(args));
      case "codex" -> new SimulatorCodex();
      case String other -> throw new IllegalArgumentException(other);
    };
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (var line = in.readLine(); line != null; line = inputClosed ? null : in.readLine()) {
      dialect.receive(JSON.readTree(line));
    }
    if (inputClosed) {
      System.in.close();
    }
    while (deaf || inputClosed) {
      Thread.sleep(1_000);
    }
    Runtime.getRuntime().halt(0);
  }

  /** Plays a turn, as its prompt says, on a thread of its own. */
  static void play(SimulatorTurn turn) throws IOException {
    cancelled = new CountDownLatch(1);
    Files.writeString(store(turn.session()), turn.prompt().replace('\n', '|') + "\n",
        StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    var script = new SimulatorScript(turn);
    inputClosed = script.closesInput();
    Thread.ofPlatform().daemon().start(script);
  }

  static Path store(String session) {
    return Path.of(ENV.get("SIM_STORE")).resolve(session);
  }

  /** Writes down that something was done that can't be undone. */
  static void effect(SimulatorTurn turn, String call, String name) {
    try (var prompts = Files.lines(store(turn.session()))) {
      Files.writeString(Path.of(ENV.get("SIM_LEDGER")),
          String.join(" ", turn.session(), Long.toString(prompts.count()), call, name) + "\n",
          StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void send(JsonNode message) {
    raw(message + "\n");
  }

  static void raw(String text) {
    raw(text.getBytes(StandardCharsets.UTF_8));
  }

  /** A whole piece at a time, so that threads do not mix theirs. */
  static synchronized void raw(byte[] bytes) {
    try {
      OUT.write(bytes);
    } catch (IOException e) {
      Runtime.getRuntime().halt(4); // Nobody reads any more.
    }
  }

  static List<String> prompts(String session) {
    try (Stream<String> lines = Files.lines(store(session))) {
      return lines.toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
