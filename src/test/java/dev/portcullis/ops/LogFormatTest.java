package dev.portcullis.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import ch.qos.logback.core.ConsoleAppender;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The shipped log settings. */
class LogFormatTest {
  private static String logged(String message) throws Exception {
    var context = new LoggerContext();
    context.setMDCAdapter(new LogbackMDCAdapter());
    var configurator = new JoranConfigurator();
    configurator.setContext(context);
    configurator.doConfigure(Path.of("src/main/resources/logback.xml").toFile());
    var logger = context.getLogger("dev.portcullis.harness.process.StderrLog");
    var appender = (ConsoleAppender<ILoggingEvent>) context.getLogger("ROOT").getAppender("plain");
    var event = new LoggingEvent("", logger, Level.WARN, "harness.stderr line={}", null, new Object[] {message});
    var line = new String(appender.getEncoder().encode(event), StandardCharsets.UTF_8);
    context.stop();
    return line.substring(line.indexOf("harness.stderr"));
  }

  @Test
  @Tag("SEC-44")
  void whatAnAgentSaysCanNeitherBeginALineOfOursNorSpeakToTheTerminal() throws Exception {
    assertEquals("harness.stderr line=a??2026-11-20T00:00:00Z ERROR run.ended?[2J?[31m?b??c? d? [StderrLog]\n",
        logged("a\r\n2026-11-20T00:00:00Z ERROR run.ended\u001b[2J\u001b[31m\u0000b\u2028\u202ec\u009b d\u0085"));
  }

  @Test
  void aLineWithoutThemIsShownAsItIs() throws Exception {
    assertEquals("harness.stderr line=\"gr\u00fcn\" \ud83d\ude00 {x} [StderrLog]\n", logged("\"gr\u00fcn\" \ud83d\ude00 {x}"));
  }
}
