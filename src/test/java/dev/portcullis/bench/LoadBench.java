package dev.portcullis.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Question: with a model server that takes no time, how many runs a second does the gateway take, what does it add to one,
 * and what does a run cost in CPU, bytes and syncs, at 1, 8, 32 and 256 callers? The gateway is a process of its own; model
 * and callers are two threads of this one, whose CPU is told beside it. Every run is a session of its own, unless said.
 */
@Tag("bench")
final class LoadBench {
  private static final Duration WARM_UP = Duration.ofSeconds(Integer.getInteger("bench.warm-up", 20));
  private static final Duration SETTLE = Duration.ofSeconds(2);
  private static final Duration WINDOW = Duration.ofSeconds(Integer.getInteger("bench.window", 10));
  private static final Duration IDLE = Duration.ofSeconds(15);
  private static final String CALLERS = System.getProperty("bench.callers", "1,8,32,256");
  private static final String JAVA_OPTIONS = System.getProperty("bench.java", "");

  @TempDir Path scratch;

  @BeforeAll
  static void build() throws IOException, InterruptedException {
    Gateway.build();
  }

  /** For profiling: without a build, in a directory that is given. */
  public static void main(String[] arguments) throws IOException {
    load(Path.of(arguments[0]), Stream.of(arguments).skip(1).map(ChatLoad.Kind::valueOf).toList());
  }

  @Test
  void runsPerSecondAndWhatARunCosts() throws IOException {
    load(scratch, List.of(ChatLoad.Kind.values()));
  }

  private static void load(Path scratch, List<ChatLoad.Kind> kinds) throws IOException {
    var sync = sync(scratch);
    System.out.printf(Locale.ROOT, "%ndisk: 8 KiB and fdatasync p50 %.2f ms, p99 %.2f ms%n",
        ChatLoad.Taken.millis(sync, 0.5), ChatLoad.Taken.millis(sync, 0.99));
    try (var model = new InstantModel();
        var gateway = Gateway.start(scratch.resolve("data"), JAVA_OPTIONS, "--set", "portcullis.agents.main.harness=model",
            "--set", "portcullis.harnesses.model={ kind = openai, api-key = none, model = m, calls = 256, base-url = "
                + "\"http://127.0.0.1:" + model.port() + "/v1\" }")) {
      if (!Boolean.getBoolean("bench.busy")) {
        SocketLoop.pause(IDLE); // Idle is what is measured.
      }
      System.out.printf("RSS idle: %d MB (process %d)%n", gateway.residentKb() / 1024, gateway.pid());
      ChatLoad.run(target(gateway, ChatLoad.Kind.STREAMED), 32, WARM_UP);
      ChatLoad.run(new ChatLoad.Target(model.port(), "none", ChatLoad.Kind.STREAMED), 1, SETTLE);
      var direct = ChatLoad.run(new ChatLoad.Target(model.port(), "none", ChatLoad.Kind.STREAMED), 1, SETTLE);
      System.out.printf(Locale.ROOT, "the model alone, 1 caller: p50 %.2f ms, p99 %.2f ms%n%n",
          ChatLoad.Taken.millis(direct.runs(), 0.5), ChatLoad.Taken.millis(direct.runs(), 0.99));
      System.out.println("| route | callers | runs/s | p50 ms | p99 ms | first p50 ms | p99 ms | gateway CPU ms/run | of it JIT | KB written/run"
          + " | events/run | syncs/run | RSS MB | bytes/token | load CPU ms/run | model CPU ms/run |");
      System.out.println("|" + "---|".repeat(16));
      for (var callers : CALLERS.split(",")) {
        for (var kind : kinds) {
          measure(gateway, model, kind, Integer.parseInt(callers));
        }
      }
    }
  }

  private static ChatLoad.Target target(Gateway gateway, ChatLoad.Kind kind) {
    return new ChatLoad.Target(gateway.http().getPort(), gateway.token(), kind);
  }

  private static void measure(Gateway gateway, InstantModel model, ChatLoad.Kind kind, int callers) throws IOException {
    ChatLoad.run(target(gateway, kind), callers, SETTLE);
    var before = gateway.used();
    long modelCpu = model.cpu().toNanos();
    var taken = ChatLoad.run(target(gateway, kind), callers, WINDOW);
    var after = gateway.used();
    double runs = taken.runs().length;
    System.out.printf(Locale.ROOT, "| %s | %d | %.0f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.1f | %.1f | %.2f | %d | %.0f"
            + " | %.3f | %.3f |%n",
        kind.words, callers, taken.perSecond(),
        ChatLoad.Taken.millis(taken.runs(), 0.5), ChatLoad.Taken.millis(taken.runs(), 0.99),
        ChatLoad.Taken.millis(taken.first(), 0.5), ChatLoad.Taken.millis(taken.first(), 0.99),
        after.cpu().minus(before.cpu()).toNanos() / 1e6 / runs,
        after.compiler().minus(before.compiler()).toNanos() / 1e6 / runs,
        (after.written() - before.written()) / 1024.0 / runs,
        (after.events() - before.events()) / runs,
        (after.syncs() - before.syncs()) / runs,
        gateway.residentKb() / 1024,
        taken.bytes() / runs / InstantModel.PIECES,
        taken.cpu().toNanos() / 1e6 / runs,
        (model.cpu().toNanos() - modelCpu) / 1e6 / runs);
  }

  /** What the disk needs for a write that it has to keep, the limit of every run. */
  private static long[] sync(Path scratch) throws IOException {
    var file = scratch.resolve("sync");
    var nanos = new long[300];
    try (var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (int i = 0; i < nanos.length; i++) {
        long start = System.nanoTime();
        channel.write(ByteBuffer.allocate(8 << 10));
        channel.force(false);
        nanos[i] = System.nanoTime() - start;
      }
    } finally {
      Files.deleteIfExists(file);
    }
    Arrays.sort(nanos);
    return nanos;
  }
}
