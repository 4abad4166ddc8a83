package dev.portcullis.run;

import dev.portcullis.harness.HarnessUpdate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * News on their way to the journal: at most one report is out, text is joined and waits for its interval,
 * everything else goes as soon as it can. A decision about time, without a clock: the caller runs the timers.
 */
final class Outbound {
  /** What the caller does now. */
  sealed interface Step {}

  /** What is no text waits so long for more, so that a quick answer costs one write. */
  static final Duration WINDOW = Duration.ofMillis(10);

  /** @param news the next report */
  record Send(List<Run.News> news) implements Step {}

  /** Ask again after {@code delay}; zero means once everything that is here already was added. */
  record Gather(Duration delay) implements Step {}

  /** Nothing to do until the next call. */
  record Hold() implements Step {}

  private final Duration textInterval;
  private final List<Run.News> held = new ArrayList<>();
  /** The newest count of tokens, if any: it is kept for the end, the one report that has a use for it. */
  private final List<Run.News> usage = new ArrayList<>();
  private boolean out;
  private boolean gathering;
  private boolean sentText;
  /** The first text does not wait for the window that something else has opened. */
  private boolean hurried;

  Outbound(Duration textInterval) {
    this.textInterval = textInterval.compareTo(WINDOW) < 0 ? WINDOW : textInterval;
  }

  Step add(Run.News news) {
    return addAll(List.of(news));
  }

  /** What came at once. */
  Step addAll(List<Run.News> several) {
    several.forEach(this::take);
    return next();
  }

  private void take(Run.News news) {
    if (news instanceof Run.Happened(HarnessUpdate.Usage _)) {
      usage.clear();
      usage.add(news);
      return;
    }
    if (news instanceof Run.Happened(HarnessUpdate.End _)) {
      held.addAll(usage);
    }
    if (!join(news)) {
      held.add(news);
    }
  }

  /** The report that was out is in the journal. */
  Step persisted() {
    out = false;
    return next();
  }

  Step windowClosed() {
    gathering = false;
    return held.isEmpty() || out ? new Hold() : send();
  }

  private Step next() {
    if (held.isEmpty() || out) {
      return new Hold();
    }
    if (held.stream().anyMatch(Outbound::urgent)) {
      return send();
    }
    if (!sentText && !hurried && held.stream().anyMatch(Outbound::isText)) {
      hurried = true;
      gathering = true;
      return new Gather(Duration.ZERO);
    }
    if (gathering) {
      return new Hold();
    }
    gathering = true;
    return new Gather(sentText ? textInterval : WINDOW);
  }

  private Send send() {
    var news = new ArrayList<>(held);
    held.clear();
    keepHalfCharacter(news);
    out = true;
    sentText = sentText || news.stream().anyMatch(Outbound::isText);
    return new Send(news);
  }

  /** A piece of text must not end between the two halves of one character; the rest of it follows. */
  private void keepHalfCharacter(List<Run.News> news) {
    if (news.getLast() instanceof Run.Happened(HarnessUpdate.Text(var text))
        && text.length() > 1
        && Character.isHighSurrogate(text.charAt(text.length() - 1))) {
      held.add(text(text.substring(text.length() - 1)));
      news.set(news.size() - 1, text(text.substring(0, text.length() - 1)));
    }
  }

  private static Run.News text(String text) {
    return new Run.Happened(new HarnessUpdate.Text(text));
  }

  private boolean join(Run.News news) {
    if (!held.isEmpty()
        && held.getLast() instanceof Run.Happened(HarnessUpdate.Text(var before))
        && news instanceof Run.Happened(HarnessUpdate.Text(var more))) {
      held.set(held.size() - 1, text(before + more));
      return true;
    }
    return false;
  }

  private static boolean isText(Run.News news) {
    return news instanceof Run.Happened(HarnessUpdate.Text _);
  }

  private static boolean urgent(Run.News news) {
    return switch (news) {
      case Run.Happened(HarnessUpdate.Text _),
          Run.Happened(HarnessUpdate.TextReplaced _),
          Run.Happened(HarnessUpdate.Attached _),
          Run.Happened(HarnessUpdate.Usage _),
          Run.Happened(HarnessUpdate.Unknown _) -> false;
      case Run.Happened _, Run.Failed _, Run.Rested _, Run.Steered _ -> true;
    };
  }
}
