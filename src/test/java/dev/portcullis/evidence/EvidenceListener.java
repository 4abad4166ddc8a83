package dev.portcullis.evidence;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestTag;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/**
 * Writes down, at the end of a test run, which test vouches for which promise: {@code target/evidence.md}. A
 * test says so with a tag that is an id, such as {@code @Tag("INV-J2")}. Found by the JUnit platform through
 * the service file.
 */
public final class EvidenceListener implements TestExecutionListener {
  private final Map<Proof, Proof.Result> proofs = new ConcurrentHashMap<>();

  @Override
  public void executionFinished(TestIdentifier test, TestExecutionResult result) {
    if (test.isTest()) {
      record(test, switch (result.getStatus()) {
        case SUCCESSFUL -> Proof.Result.PASSED;
        case FAILED -> Proof.Result.FAILED;
        case ABORTED -> Proof.Result.SKIPPED;
      });
    }
  }

  @Override
  public void executionSkipped(TestIdentifier test, String reason) {
    if (test.isTest()) {
      record(test, Proof.Result.SKIPPED);
    }
  }

  /** Tests may run in several JVMs: each keeps what it has seen in a file of its own, and the page is of all. */
  @Override
  public void testPlanExecutionFinished(TestPlan plan) {
    var directory = Path.of("target", "evidence");
    try {
      Files.createDirectories(directory);
      try (var lock = FileChannel.open(directory.resolve("lock"), CREATE, WRITE); var held = lock.lock()) {
        assert held.isValid();
        var own = directory.resolve(ProcessHandle.current().pid() + ".tsv");
        read(own).forEach((proof, result) -> proofs.merge(proof, result, Proof.Result::worse));
        Files.write(own, proofs.entrySet().stream()
            .map(entry -> entry.getKey().id() + "\t" + entry.getKey().test() + "\t" + entry.getValue())
            .toList());
        Files.writeString(directory.resolveSibling("evidence.md"), Evidence.page(readAll(directory)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<Proof, Proof.Result> readAll(Path directory) throws IOException {
    var all = new HashMap<Proof, Proof.Result>();
    try (var files = Files.list(directory)) {
      for (var file : files.filter(path -> path.toString().endsWith(".tsv")).sorted().toList()) {
        read(file).forEach((proof, result) -> all.merge(proof, result, Proof.Result::worse));
      }
    }
    return all;
  }

  private static Map<Proof, Proof.Result> read(Path file) throws IOException {
    var found = new HashMap<Proof, Proof.Result>();
    if (Files.exists(file)) {
      for (var line : Files.readAllLines(file)) {
        var fields = line.split("\t");
        found.put(new Proof(fields[0], fields[1]), Proof.Result.valueOf(fields[2]));
      }
    }
    return found;
  }

  private void record(TestIdentifier test, Proof.Result result) {
    var ids =
        test.getTags().stream().map(TestTag::getName).filter(Evidence::isId).collect(Collectors.toSet());
    test.getSource().ifPresent(source -> {
      var name = switch (source) {
        case MethodSource method -> simple(method.getClassName()) + "." + method.getMethodName();
        case ClassSource type -> simple(type.getClassName());
        default -> test.getDisplayName();
      };
      ids.forEach(id -> proofs.merge(new Proof(id, name), result, Proof.Result::worse));
    });
  }

  private static String simple(String className) {
    return className.substring(className.lastIndexOf('.') + 1).replace('$', '.');
  }
}
