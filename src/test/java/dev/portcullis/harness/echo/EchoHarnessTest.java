package dev.portcullis.harness.echo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.AttemptSpec.Interruption;
import dev.portcullis.harness.Harness.Attempt;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EchoHarnessTest {
  /** Time that stands still until a test moves it. */
  private static final class StoppedTime implements EchoHarness.Timer {
    private final Map<Object, Map.Entry<Duration, Runnable>> due = new LinkedHashMap<>();
    private Duration now = Duration.ZERO;

    @Override
    public Runnable after(Duration delay, Runnable task) {
      var key = new Object();
      due.put(key, Map.entry(now.plus(delay), task));
      return () -> due.remove(key);
    }

    void pass(Duration time) {
      var until = now.plus(time);
      while (due.values().stream().anyMatch(entry -> entry.getKey().compareTo(until) <= 0)) {
        var next = due.entrySet().stream()
            .min(Map.Entry.comparingByValue(Map.Entry.comparingByKey())).orElseThrow();
        due.remove(next.getKey());
        now = next.getValue().getKey();
        next.getValue().getValue().run();
      }
      now = until;
    }
  }

  private final StoppedTime time = new StoppedTime();
  private final List<HarnessUpdate> updates = new ArrayList<>();
  private final EchoHarness harness = new EchoHarness(time, () -> { });

  private Attempt start(String message) {
    return start(message, new Interruption.None());
  }

  private Attempt start(String message, Interruption interruption) {
    var attempt = harness.start(
        new AttemptSpec("c", "r", 1, Path.of("/"), message, List.of(), "", interruption), updates::add);
    time.pass(Duration.ZERO);
    return attempt;
  }

  private String text() {
    var text = new StringBuilder();
    for (var update : updates) {
      if (update instanceof HarnessUpdate.Text(var piece)) {
        text.append(piece);
      }
    }
    return text.toString();
  }

  @Test
  void theAnswerComesInPiecesThatAddUpToTheMessage() {
    start("hello  big\nworld ");
    assertEquals("echo: hello  big\nworld ", text());
    assertEquals(List.of(
        new HarnessUpdate.Attached("", List.of()), new HarnessUpdate.Text("echo: "),
        new HarnessUpdate.Text("hello  "), new HarnessUpdate.Text("big\n"), new HarnessUpdate.Text("world "),
        new HarnessUpdate.Completed("end_turn")), updates);
  }

  @Test
  void theDirectiveIsNotPartOfTheAnswer() {
    start("one [[echo gap=0ms]] two");
    assertEquals("echo: one two", text());
  }

  @Test
  void wordsPadsTheAnswer() {
    start("hi [[echo words=5]]");
    assertEquals("echo: hi word3 word4 word5", text());
  }

  @Test
  void firstAndGapDelayTheWords() {
    start("a b [[echo first=2s gap=100ms]]");
    assertEquals("", text());
    time.pass(Duration.ofSeconds(2));
    assertEquals("echo: ", text());
    time.pass(Duration.ofMillis(99));
    assertEquals("echo: ", text());
    time.pass(Duration.ofMillis(101));
    assertEquals("echo: a b", text());
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.getLast());
  }

  @Test
  void aStepIsReportedAroundItsTime() {
    start("x [[echo step=deploy step-time=5s]]");
    assertEquals("deploy", assertInstanceOf(HarnessUpdate.StepStarted.class, updates.getLast()).title());
    time.pass(Duration.ofSeconds(5));
    assertTrue(updates.contains(new HarnessUpdate.StepFinished("step-1-1", true)));
    assertEquals("echo: x", text());
  }

  @Test
  void aStepThatAnEarlierTryFinishedIsNotRepeated() {
    start("x [[echo step=deploy]]", new Interruption.Cut("crash", List.of("deploy"), List.of()));
    assertTrue(updates.stream().noneMatch(HarnessUpdate.StepStarted.class::isInstance));
    assertEquals("echo: x", text());
  }

  @Test
  void aStepOfUnknownOutcomeIsNotRepeatedAndTheAnswerSaysSo() {
    start("x [[echo step=deploy]]", new Interruption.Cut("crash", List.of(), List.of("deploy")));
    assertTrue(updates.stream().noneMatch(HarnessUpdate.StepStarted.class::isInstance));
    assertEquals("echo: x (the outcome of deploy is unknown, it was not repeated)", text());
  }

  @Test
  void approveAsksFirstAndGoesOnWhenAllowed() {
    var attempt = start("x [[echo approve]]");
    var asked = assertInstanceOf(HarnessUpdate.ApprovalRequested.class, updates.getLast());
    attempt.decide("another", asked.digest(), true);
    time.pass(Duration.ZERO);
    assertEquals("", text());
    attempt.decide(asked.approvalId(), asked.digest(), true);
    attempt.decide(asked.approvalId(), asked.digest(), false);
    time.pass(Duration.ZERO);
    assertEquals("echo: x", text());
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.getLast());
  }

  @Test
  void aDeniedApprovalEndsWithATextThatSaysSo() {
    var attempt = start("x [[echo approve step=deploy]]");
    attempt.decide("approval-r-1", "", false);
    time.pass(Duration.ZERO);
    assertEquals("The request was denied.", text());
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.getLast());
  }

  @Test
  void failEndsWithTheCodeAskedForAfterTheWords() {
    start("x [[echo fail=quota_exceeded]]");
    assertEquals("echo: x", text());
    var fault = assertInstanceOf(HarnessUpdate.Failed.class, updates.getLast()).fault();
    assertEquals("quota_exceeded", fault.reason());
    assertEquals(HarnessFault.Code.QUOTA, fault.code());
  }

  @Test
  void hangNeverEnds() {
    start("x [[echo hang]]");
    time.pass(Duration.ofDays(1));
    assertEquals("echo: x", text());
    assertEquals(new HarnessUpdate.Text("x"), updates.getLast());
  }

  @ParameterizedTest
  @ValueSource(strings = {"hang", "first=1h", "gap=1h", "step=s step-time=1h", "approve"})
  void anAbortEndsItPromptlyWhereverItIs(String directive) {
    var attempt = start("a b [[echo " + directive + "]]");
    attempt.abort(Duration.ofSeconds(10));
    attempt.abort(Duration.ofSeconds(10));
    time.pass(Duration.ofDays(1));
    assertEquals(new HarnessUpdate.Aborted(), updates.getLast());
    assertEquals(1, updates.stream().filter(HarnessUpdate.End.class::isInstance).count());
  }

  @Test
  void aStopSaysNothingMore() {
    var attempt = start("a b [[echo gap=1s]]");
    var before = updates.size();
    assertTrue(attempt.stop(Duration.ofSeconds(1)).toCompletableFuture().isDone());
    time.pass(Duration.ofDays(1));
    assertEquals(before, updates.size());
  }

  @ParameterizedTest
  @ValueSource(strings = {"[[echo words=many]]", "[[echo gap=3]]", "[[echo unknown]]",
      "[[echo step-time=1s]]",
      "[[echo hang=1]]", "[[echo step=a b=c]]", "[[echo words=2", "[[echo hang]] [[echo hang]]"})
  void aDirectiveThatCannotBeReadFailsTheAttempt(String message) {
    start(message);
    var fault = assertInstanceOf(HarnessUpdate.Failed.class, updates.getLast()).fault();
    assertEquals(HarnessFault.Code.MALFORMED, fault.code());
    assertTrue(fault.getMessage().contains("expected"));
  }

  @Test
  void theRealTimerPlaysWithoutHelp() throws Exception {
    var echo = EchoHarness.create();
    var end = new CompletableFuture<HarnessUpdate>();
    echo.start(new AttemptSpec("c", "r", 1, Path.of("/"), "hi [[echo gap=1ms]]", List.of(), "",
        new Interruption.None()), update -> {
          if (update instanceof HarnessUpdate.End) {
            end.complete(update);
          }
        });
    assertEquals(new HarnessUpdate.Completed("end_turn"), end.get(10, TimeUnit.SECONDS));
    echo.close(Duration.ZERO);
  }
}
