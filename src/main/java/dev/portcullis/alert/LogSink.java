package dev.portcullis.alert;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes the lines that operators grep for. */
final class LogSink implements Sink {
  private static final Logger LOG = LoggerFactory.getLogger("dev.portcullis.alert");

  @Override
  public void send(Notice notice) {
    switch (notice) {
      case Notice.Raised(var reference, var topic, var text, var times, _) -> LOG.error(
          "[gateway] ALERT raised topic={} reference={} times={} text=\"{}\"",
          topic, reference, times, oneLine(text));
      case Notice.Resolved(var reference, var topic, var text, _) -> LOG.warn(
          "[gateway] ALERT resolved topic={} reference={} text=\"{}\"", topic, reference, oneLine(text));
      case Notice.Suppressed(var count, _) -> LOG.warn("[gateway] ALERT suppressed count={}", count);
    }
  }

  @Override
  public void close() {
    // The log outlives every alert.
  }

  private static String oneLine(String text) {
    return text.replaceAll("\\R", " ");
  }
}
