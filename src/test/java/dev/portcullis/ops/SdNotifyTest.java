package dev.portcullis.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class SdNotifyTest {
  @TempDir Path directory;

  @Test void everyMessageArrivesAtASocketWithAPath() throws Throwable {
    var path = directory.resolve("notify").toString();
    try (var systemd = DatagramListener.at(path)) {
      var notify = SdNotify.of(Map.of("NOTIFY_SOCKET", path));

      notify.status("waiting for claude\nsecond line");
      notify.extendTimeout(Duration.ofSeconds(15));
      notify.ready();
      notify.watchdog();
      notify.stopping();

      assertTrue(notify.enabled());
      assertEquals("STATUS=waiting for claude", systemd.receive());
      assertEquals("EXTEND_TIMEOUT_USEC=15000000", systemd.receive());
      assertEquals("READY=1", systemd.receive());
      assertEquals("WATCHDOG=1", systemd.receive());
      assertEquals("STOPPING=1", systemd.receive());
    }
  }

  @Test void aMessageArrivesAtAnAbstractSocket() throws Throwable {
    var name = "@portcullis-" + directory.getFileName();
    try (var systemd = DatagramListener.at(name)) {
      SdNotify.of(Map.of("NOTIFY_SOCKET", name)).ready();

      assertEquals("READY=1", systemd.receive());
    }
  }

  @Test void withoutASocketNothingIsSent() {
    var notify = SdNotify.of(Map.of());

    notify.ready();

    assertFalse(notify.enabled());
    assertEquals(Duration.ZERO, notify.watchdogInterval());
  }

  @Test void aSocketThatIsGoneOrTooLongOrOfAnotherKindDoesNoHarm() {
    SdNotify.of(Map.of("NOTIFY_SOCKET", directory.resolve("gone").toString())).ready();
    SdNotify.of(Map.of("NOTIFY_SOCKET", "/" + "x".repeat(200))).ready();

    assertFalse(SdNotify.of(Map.of("NOTIFY_SOCKET", "vsock:2:1234")).enabled());
  }

  @Test void theWatchdogIsDueAtHalfOfWhatTheUnitAllows() {
    var us = Long.toString(ProcessHandle.current().pid());

    assertEquals(Duration.ofSeconds(15), SdNotify.of(Map.of("WATCHDOG_USEC", "30000000")).watchdogInterval());
    assertEquals(Duration.ofSeconds(15),
        SdNotify.of(Map.of("WATCHDOG_USEC", "30000000", "WATCHDOG_PID", us)).watchdogInterval());
    assertEquals(Duration.ZERO,
        SdNotify.of(Map.of("WATCHDOG_USEC", "30000000", "WATCHDOG_PID", "1")).watchdogInterval());
    assertEquals(Duration.ZERO, SdNotify.of(Map.of("WATCHDOG_USEC", "soon")).watchdogInterval());
  }
}
