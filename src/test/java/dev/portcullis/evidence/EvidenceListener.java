package dev.portcullis.evidence;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

  @Override
  public void testPlanExecutionFinished(TestPlan plan) {
    try {
      var file = Path.of("target", "evidence.md");
      Files.createDirectories(file.getParent());
      Files.writeString(file, Evidence.page(proofs));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
