package dev.portcullis.ops;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells systemd how the gateway stands: one datagram per message to {@code $NOTIFY_SOCKET}, sent by the JVM
 * itself, so that {@code NotifyAccess=main} holds. Does nothing when that variable is absent. Thread-safe;
 * never throws; does not block longer than systemd's socket does. Source: sd_notify(3).
 */
public final class SdNotify {
  private static final Logger LOG = LoggerFactory.getLogger(SdNotify.class);

  private final String socket;
  private final Duration watchdogInterval;

  private SdNotify(String socket, Duration watchdogInterval) {
    this.socket = socket;
    this.watchdogInterval = watchdogInterval;
  }

  /** @param env the process environment: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID */
  public static SdNotify of(Map<String, String> env) {
    var socket = env.getOrDefault("NOTIFY_SOCKET", "");
    return new SdNotify(isSupported(socket) ? socket : "", watchdog(env));
  }

  /** Whether anybody listens. */
  public boolean enabled() {
    return !socket.isEmpty();
  }

  /** The gate is open. */
  public void ready() {
    send("READY=1");
  }

  /** The drain has begun; final. */
  public void stopping() {
    send("STOPPING=1");
  }

  /** One line for {@code systemctl status}; what follows a line break is dropped. */
  public void status(String text) {
    send("STATUS=" + text.lines().findFirst().orElse(""));
  }

  /**
   * Grants the current phase (start or stop) this much time from now; to be repeated in time, while there is
   * progress.
   */
  public void extendTimeout(Duration time) {
    send("EXTEND_TIMEOUT_USEC=" + time.toNanos() / 1_000);
  }

  /** One sign of life; the caller owes a round trip through dispatcher and journal before it. */
  public void watchdog() {
    send("WATCHDOG=1");
  }

  /**
   * How often {@link #watchdog()} is due: half of what the unit allows; zero when it wants no signs of life.
   */
  public Duration watchdogInterval() {
    return watchdogInterval;
  }

  private static boolean isSupported(String socket) {
    return socket.length() > 1 && (socket.startsWith("/") || socket.startsWith("@"));
  }

  private static Duration watchdog(Map<String, String> env) {
    var meant = env.getOrDefault("WATCHDOG_PID", "");
    var micros = env.getOrDefault("WATCHDOG_USEC", "");
    var forUs = meant.isEmpty() || meant.equals(Long.toString(ProcessHandle.current().pid()));
    return forUs && micros.matches("\\d{1,15}") ? Duration.ofNanos(Long.parseLong(micros) * 500)
        : Duration.ZERO;
  }

  private void send(String message) {
    if (enabled() && Libc.send(socket, message) < 0) {
      LOG.warn("ops.sd_notify_failed message={}", message.substring(0, message.indexOf('=')));
    }
  }

  /**
   * The three calls that the JDK does not offer: it has no datagrams over Unix sockets. Initialised on the
   * first message.
   */
  private static final class Libc {
    private static final int AF_UNIX = 1;
    private static final int SOCK_DGRAM = 2;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int MSG_NOSIGNAL = 0x4000;
    /** Size of sun_path, the terminating zero included. */
    private static final int PATH_BYTES = 108;
    private static final int FAMILY_BYTES = 2;

    private static final MethodHandle SOCKET = function("socket", FunctionDescriptor.of(
        ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle SENDTO = function("sendto", FunctionDescriptor.of(
        ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG,
        ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    private static final MethodHandle CLOSE =
        function("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    @SuppressWarnings("restricted") // Allowed by --enable-native-access in the JVM flags.
    private static MethodHandle function(String name, FunctionDescriptor descriptor) {
      var linker = Linker.nativeLinker();
      return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
    }

    /** @return what sendto returned; negative when the message did not leave */
    static long send(String socket, String message) {
      var path = socket.getBytes(StandardCharsets.UTF_8);
      if (path.length >= PATH_BYTES) {
        return -1;
      }
      try (var arena = Arena.ofConfined()) {
        int descriptor = (int) SOCKET.invokeExact(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (descriptor < 0) {
          return -1;
        }
        var payload = arena.allocateFrom(ValueLayout.JAVA_BYTE, message.getBytes(StandardCharsets.UTF_8));
        try {
          return (long) SENDTO.invokeExact(
              descriptor, payload, payload.byteSize(), MSG_NOSIGNAL,
              address(arena, path), FAMILY_BYTES + path.length);
        } finally {
          int _ = (int) CLOSE.invokeExact(descriptor);
        }
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable impossible) {
        throw new IllegalStateException("libc throws nothing", impossible);
      }
    }

    /**
     * An abstract name begins with a zero byte and ends with the length given, a path with its last letter.
     */
    private static MemorySegment address(Arena arena, byte[] path) {
      var address = arena.allocate(FAMILY_BYTES + PATH_BYTES);
      address.set(ValueLayout.JAVA_SHORT_UNALIGNED, 0, (short) AF_UNIX);
      MemorySegment.copy(path, 0, address, ValueLayout.JAVA_BYTE, FAMILY_BYTES, path.length);
      if (path[0] == '@') {
        address.set(ValueLayout.JAVA_BYTE, FAMILY_BYTES, (byte) 0);
      }
      return address;
    }
  }
}
