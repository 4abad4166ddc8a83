package dev.portcullis.harness;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;

/**
 * What a simulated agent does in one turn: the steps of the last {@code [[sim step; step …]]} of its prompt, and
 * then it completes, unless a step has ended the turn, or the agent. Without a script it says what it heard.
 * Where chance is needed it comes from a seed of the script's.
 */
final class SimulatorScript implements Runnable {
  private static final Pattern DIRECTIVE = Pattern.compile("\\[\\[sim ([^\\]]*)]]");
  private static final int CHUNK = 64 * 1024;

  private final SimulatorTurn turn;
  private final List<String> steps;
  /** What happens at the end: nothing when a step has ended the turn, or never will. */
  private Runnable end;

  SimulatorScript(SimulatorTurn turn) {
    this.turn = turn;
    var script = "";
    for (var matcher = DIRECTIVE.matcher(turn.prompt()); matcher.find();) {
      script = matcher.group(1);
    }
    this.steps = Arrays.stream(script.split(";")).map(String::strip).toList();
    this.end = () -> turn.complete(false);
  }

  boolean closesInput() {
    return steps.contains("close-input");
  }

  @Override
  public void run() {
    try {
      for (var step : steps) {
        play(step.split(" "));
      }
      end.run();
    } catch (InterruptedException | IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private void play(String[] step) throws InterruptedException, IOException {
    switch (step[0]) {
      // ---- answers
      case "" -> turn.text("heard: " + turn.prompt());
      case "say" -> turn.text(String.join(" ", Arrays.asList(step).subList(1, step.length)));
      case "stream", "slow" -> stream(number(step, 1), step.length > 2 ? number(step, 2) : 0);
      case "torrent" -> torrent(number(step, 1), number(step, 2));
      case "history" -> turn.text(String.join(";", Simulator.prompts(turn.session())));
      case "pwd" -> turn.text(Path.of("").toAbsolutePath().toString());
      case "sleep" -> Simulator.pause(number(step, 1));
      case "tool" -> turn.tools();
      case "effect" -> effect(step[1], step.length > 2 ? number(step, 2) : 0);
      case "begin" -> turn.stepBegins(step[1], step[1]);
      case "end" -> turn.stepEnds(step[1]);
      case "permission" -> {
        var chosen = turn.permission();
        turn.text("chosen " + chosen);
      }
      case "fs" -> turn.text("code " + turn.unknownRequest());
      case "hang" -> hang("hanging");
      // ---- ends
      case "error" -> {
        turn.fail((int) number(step, 1));
        end = () -> { };
      }
      case "twice" -> end = () -> {
        turn.text("once");
        turn.complete(false);
        turn.complete(false);
      };
      case "late" -> {
        turn.foreign();
        end = () -> {
          turn.complete(false);
          turn.text("too late");
        };
      }
      case "foreign" -> turn.foreign();
      case "deaf" -> {
        Simulator.deaf = true;
        turn.text("deaf");
        end = () -> { };
      }
      case "ignore-term" -> ignore(15);
      case "close-input" -> { } // Done before the turn began.
      // ---- deaths
      case "die" -> {
        turn.text("dying");
        System.err.println("the reason is secret-in-stderr");
        Simulator.pause(50);
        Runtime.getRuntime().halt(3);
      }
      case "exit" -> Runtime.getRuntime().halt((int) number(step, 1));
      case "signal" -> die((int) number(step, 1), step.length > 2 ? (int) number(step, 2) : 0);
      case "half" -> {
        turn.text("half");
        Simulator.raw("{\"jsonrpc\":\"2.0\",\"id\":");
        Runtime.getRuntime().halt(0);
      }
      // ---- dirt
      case "garbage" -> {
        Simulator.raw("Welcome to the agent!\n[1,2]\n\n{\"half\n");
        turn.text("after garbage");
      }
      case "flood" -> flood(number(step, 1), "garbage ".repeat(CHUNK / 8).getBytes(StandardCharsets.UTF_8));
      case "line" -> flood(number(step, 1), new byte[CHUNK]);
      case "frame" -> turn.text("x".repeat((int) number(step, 1)));
      case "bloat" -> {
        Simulator.raw("{\"bloat\":\"");
        flood(number(step, 1), "x".repeat(CHUNK).getBytes(StandardCharsets.UTF_8));
      }
      case "utf8" -> dirty(new byte[] {(byte) 0xff, (byte) 0xc0, (byte) 0x80, (byte) 0xed, (byte) 0xa0, (byte) 0x80});
      case "nul" -> dirty(new byte[] {0});
      case "fuzz" -> fuzz(number(step, 1), new Random(number(step, 2)));
      // ---- children
      case "daemon" -> {
        var daemon = new ProcessBuilder("setsid", "sleep", "1000").start();
        hang("daemon " + daemon.pid());
      }
      case "fork" -> fork();
      case String _ -> turn.own(step);
    }
  }

  private static long number(String[] step, int index) {
    return Long.parseLong(step[index]);
  }

  private void stream(long words, long gapMs) {
    for (int i = 0; i < words; i++) {
      turn.text("w" + i + " ");
      if (gapMs > 0) {
        Simulator.pause(gapMs);
      }
    }
  }

  /** Valid messages, as fast as the pipe takes them. */
  private void torrent(long messages, long chars) {
    var bytes = (turn.messages("x".repeat((int) chars)).getFirst() + "\n").getBytes(StandardCharsets.UTF_8);
    for (long i = 0; i < messages; i++) {
      Simulator.raw(bytes);
    }
  }

  private void hang(String word) throws InterruptedException {
    turn.text(word);
    Simulator.cancelled.await();
    end = () -> turn.complete(true);
  }

  private void effect(String name, long millis) {
    var call = "effect-" + name;
    turn.stepBegins(call, name);
    Simulator.effect(turn, call, name);
    Simulator.pause(millis);
    turn.stepEnds(call);
  }

  private static void flood(long bytes, byte[] chunk) {
    for (long left = bytes; left > 0; left -= chunk.length) {
      Simulator.raw(chunk);
    }
    Simulator.raw("\n");
  }

  /** The bytes alone in a line, in a message that is none, and in a text that must be passed on. */
  private void dirty(byte[] bytes) {
    Simulator.raw(bytes);
    Simulator.raw("\n{\"");
    Simulator.raw(bytes);
    Simulator.raw("\n");
    turn.text("after dirt");
  }

  /** Messages that were cut, stirred or made of nothing; none is valid, and some look as if. */
  private void fuzz(long lines, Random random) {
    var valid = turn.messages("fuzz");
    for (long i = 0; i < lines; i++) {
      var bytes = valid.get(random.nextInt(valid.size())).getBytes(StandardCharsets.UTF_8);
      switch (random.nextInt(4)) {
        case 0 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
        case 1 -> {
          for (int j = 0; j < 3; j++) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
          }
        }
        case 2 -> random.nextBytes(bytes);
        default -> bytes = stir(new String(bytes, StandardCharsets.UTF_8), random);
      }
      Simulator.raw(bytes);
      Simulator.raw("\n");
    }
    turn.text("after fuzz");
  }

  /** Sound JSON in which a value has become one of another type. */
  private static byte[] stir(String message, Random random) {
    var values = Pattern.compile(":(\"[^\"]*\"|\\d+)").matcher(message).results().toList();
    var victim = values.get(random.nextInt(values.size()));
    var other = List.of("null", "[]", "{}", "-1", "1e999", "\"\"", "true", "[[[[]]]]").get(random.nextInt(8));
    return (message.substring(0, victim.start() + 1) + other + message.substring(victim.end()))
        .getBytes(StandardCharsets.UTF_8);
  }

  /** A child that has left group and parent and does not listen, and one that it has started in turn. */
  private void fork() throws IOException, InterruptedException {
    var child = new ProcessBuilder("sh", "-c", "setsid sh -c 'trap \"\" TERM HUP INT; sleep 1000 & echo $$ $!; "
        + "exec >/dev/null; wait' & read line").redirectInput(ProcessBuilder.Redirect.PIPE).start();
    try (var out = child.inputReader()) {
      var pids = out.readLine();
      child.getOutputStream().close(); // Its parent ends; the rest belongs to nobody.
      hang("forked " + pids);
    }
  }

  // ---- what Java can't do by itself
  private static void ignore(int signal) {
    call("signal", signal, 1);
  }

  /** Writes so many bytes of a message and dies of the signal. */
  private void die(int signal, int bytes) {
    Simulator.raw(Arrays.copyOf(turn.messages("x".repeat(bytes)).getFirst().getBytes(StandardCharsets.UTF_8), bytes));
    call("prctl", 4, 0); // No core file.
    call("signal", signal, 0);
    call("kill", (int) ProcessHandle.current().pid(), signal);
    Simulator.pause(10_000);
  }

  @SuppressWarnings("restricted") // Native code is what is asked for here.
  private static void call(String function, int first, long second) {
    var linker = Linker.nativeLinker();
    var handle = linker.downcallHandle(linker.defaultLookup().findOrThrow(function),
        FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
    try {
      handle.invoke(first, second);
    } catch (Throwable e) {
      throw new IllegalStateException(function, e);
    }
  }
}
