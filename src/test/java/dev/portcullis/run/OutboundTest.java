package dev.portcullis.run;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.run.Outbound.Gather;
import dev.portcullis.run.Outbound.Hold;
import dev.portcullis.run.Outbound.Send;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class OutboundTest {
  private static final Duration INTERVAL = Duration.ofMillis(200);
  private static final Run.News ATTACHED = new Run.Happened(new HarnessUpdate.Attached("n-1", List.of()));
  private static final Run.News STEP = new Run.Happened(new HarnessUpdate.StepStarted("s", "ls", "tool", ""));
  private static final Run.News END = new Run.Happened(new HarnessUpdate.Completed("end_turn"));

  private final Outbound outbound = new Outbound(INTERVAL);

  private static Run.News text(String text) {
    return new Run.Happened(new HarnessUpdate.Text(text));
  }

  private static Run.News usage(long tokens) {
    return new Run.Happened(new HarnessUpdate.Usage(tokens, tokens));
  }

  @Test
  void aQuickAnswerIsOneReport() {
    assertEquals(new Gather(Outbound.WINDOW), outbound.add(ATTACHED));
    assertEquals(new Gather(Duration.ZERO), outbound.add(text("hel")));
    assertEquals(new Hold(), outbound.add(text("lo")));
    assertEquals(new Send(List.of(ATTACHED, text("hello"), END)), outbound.add(END));
    assertEquals(new Hold(), outbound.persisted());
  }

  @Test
  void whatComesAtOnceIsOneReport() {
    assertEquals(
        new Send(List.of(ATTACHED, text("hello"), END)),
        outbound.addAll(List.of(ATTACHED, text("hel"), text("lo"), END)));
  }

  @Test
  void theFirstTextDoesNotWaitForAWindow() {
    outbound.add(ATTACHED);
    assertEquals(new Gather(Duration.ZERO), outbound.add(text("a")));
    assertEquals(new Send(List.of(ATTACHED, text("a"))), outbound.windowClosed());
  }

  @Test
  void onlyOneReportIsOutAtATime() {
    assertEquals(new Send(List.of(STEP)), outbound.add(STEP));
    assertEquals(new Hold(), outbound.add(text("a")));
    assertEquals(new Hold(), outbound.add(END));
    assertEquals(new Send(List.of(text("a"), END)), outbound.persisted());
  }

  @Test
  void theFirstTextGoesAtOnceAndTheNextAfterTheInterval() {
    assertEquals(new Gather(Duration.ZERO), outbound.add(text("a")));
    assertEquals(new Send(List.of(text("a"))), outbound.windowClosed());
    assertEquals(new Hold(), outbound.persisted());
    assertEquals(new Gather(INTERVAL), outbound.add(text("b")));
    assertEquals(new Hold(), outbound.add(text("c")));
    assertEquals(new Send(List.of(text("bc"))), outbound.windowClosed());
  }

  @Test
  void textThatComesWhileAReportIsOutWaitsForItsIntervalAfterThat() {
    outbound.add(text("a"));
    outbound.windowClosed();
    assertEquals(new Hold(), outbound.add(text("b")));
    assertEquals(new Gather(INTERVAL), outbound.persisted());
  }

  @Test
  void whatIsUrgentTakesTheWaitingTextWithIt() {
    outbound.add(text("a"));
    outbound.windowClosed();
    outbound.persisted();
    outbound.add(text("b"));
    assertEquals(new Send(List.of(text("b"), STEP)), outbound.add(STEP));
    assertEquals(new Hold(), outbound.windowClosed());
  }

  @Test
  void textOnTheTwoSidesOfAStepIsNotJoined() {
    outbound.add(STEP);
    outbound.add(text("a"));
    outbound.add(STEP);
    outbound.add(text("b"));
    assertEquals(new Send(List.of(text("a"), STEP, text("b"))), outbound.persisted());
  }

  @Test
  void theNewestCountOfTokensGoesOutWithTheEndHoweverEarlyItCame() {
    assertEquals(new Hold(), outbound.add(usage(1)));
    outbound.add(text("a"));
    assertEquals(new Send(List.of(text("a"))), outbound.windowClosed());
    outbound.persisted();
    assertEquals(new Hold(), outbound.add(usage(2)));
    assertEquals(new Send(List.of(usage(2), END)), outbound.add(END));
  }
}
