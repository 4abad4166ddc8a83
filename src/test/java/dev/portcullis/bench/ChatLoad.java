package dev.portcullis.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;

/**
 * Callers of {@code /v1/chat/completions} in a closed loop, each on a connection of its own, all on the thread that runs it.
 */
final class ChatLoad {
  /** How it is asked for. */
  enum Kind {
    WHOLE("chat, whole"), STREAMED("chat, streamed"), CONTINUED("chat, streamed, one conversation per caller");

    final String words;

    Kind(String words) {
      this.words = words;
    }
  }

  /** @param token empty where nobody asks for one */
  record Target(int port, String token, Kind kind) {}

  /**
   * @param runs latencies in nanoseconds, sorted
   * @param first until the first word of a streamed answer, sorted; as {@code runs} where it comes whole
   * @param bytes that were received
   * @param cpu of the load itself
   */
  record Taken(long[] runs, long[] first, long bytes, Duration window, Duration cpu) {
    static double millis(long[] sorted, double part) {
      return sorted[Math.max(0, (int) Math.ceil(sorted.length * part) - 1)] / 1e6;
    }

    double perSecond() {
      return runs.length * 1e9 / window.toNanos();
    }
  }

  private static final byte[] HEAD_END = SocketLoop.bytes("\r\n\r\n");
  private static final byte[] LAST_CHUNK = SocketLoop.bytes("\r\n0\r\n\r\n");
  private static final byte[] DONE = SocketLoop.bytes("data: [DONE]");
  private static final byte[] STOP = SocketLoop.bytes("\"finish_reason\":\"stop\"");
  private static final byte[] FIRST = SocketLoop.bytes("\"content\":\"w0");
  /** Beyond this nothing comes any more. */
  private static final Duration LAST = Duration.ofSeconds(30);

  private final Target target;
  private final long until;
  private long[] runs = new long[1 << 14];
  private long[] first = new long[1 << 14];
  private int count;
  private int busy;
  private long bytes;

  private ChatLoad(Target target, Duration window) {
    this.target = target;
    this.until = System.nanoTime() + window.toNanos();
  }

  /** Asks with so many callers for so long, and waits for what is under way then. */
  static Taken run(Target target, int callers, Duration window) throws IOException {
    var load = new ChatLoad(target, window);
    long cpu = SocketLoop.cpu(Thread.currentThread()).toNanos();
    long begin = System.nanoTime();
    try (var loop = new SocketLoop()) {
      for (int i = 0; i < callers; i++) {
        var caller = load.new Caller(i);
        caller.ask(loop.connect(target.port(), caller));
      }
      loop.run(() -> load.busy == 0 || System.nanoTime() - load.until > LAST.toNanos());
    }
    if (load.busy > 0) {
      throw new IllegalStateException(load.busy + " answers have not come");
    }
    long took = System.nanoTime() - begin;
    var runs = Arrays.copyOf(load.runs, load.count);
    var first = Arrays.copyOf(load.first, load.count);
    Arrays.sort(runs);
    Arrays.sort(first);
    return new Taken(runs, first, load.bytes, Duration.ofNanos(took),
        SocketLoop.cpu(Thread.currentThread()).minusNanos(cpu));
  }

  private void took(long nanos, long firstNanos) {
    if (count == runs.length) {
      runs = Arrays.copyOf(runs, count * 2);
      first = Arrays.copyOf(first, count * 2);
    }
    runs[count] = nanos;
    first[count++] = firstNanos;
  }

  private final class Caller implements SocketLoop.Peer {
    private final byte[] request;
    private long asked;
    private long heard;
    private int looked;
    private int length;

    Caller(int number) {
      var body = "{\"model\":\"main\",\"stream\":" + (target.kind() != Kind.WHOLE)
          + (target.kind() == Kind.CONTINUED ? ",\"user\":\"caller-" + number + "\"" : "")
          + ",\"messages\":[{\"role\":\"user\",\"content\":\"Say twenty words.\"}]}";
      request = SocketLoop.bytes("POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:" + target.port()
          + "\r\nAuthorization: Bearer " + target.token() + "\r\nContent-Type: application/json\r\nContent-Length: "
          + body.length() + "\r\n\r\n" + body);
    }

    void ask(SocketLoop.Connection connection) throws IOException {
      busy++;
      heard = 0;
      looked = 0;
      length = -1;
      asked = System.nanoTime();
      connection.send(request);
    }

    @Override
    public void read(SocketLoop.Connection connection, ByteBuffer in) throws IOException {
      if (heard == 0 && SocketLoop.find(in, Math.max(0, looked - FIRST.length), FIRST) >= 0) {
        heard = System.nanoTime();
      }
      looked = in.position();
      if (whole(in)) {
        if (heard == 0 || !SocketLoop.text(in, 15).startsWith("HTTP/1.1 200 OK")
            || SocketLoop.find(in, 0, target.kind() == Kind.WHOLE ? STOP : DONE) < 0) {
          throw new IllegalStateException("no answer: " + SocketLoop.text(in, 2_000));
        }
        took(System.nanoTime() - asked, heard - asked);
        bytes += in.position();
        in.clear();
        busy--;
        if (System.nanoTime() < until) {
          ask(connection);
        } else {
          connection.close();
        }
      }
    }

    private boolean whole(ByteBuffer in) {
      if (target.kind() != Kind.WHOLE) {
        return in.position() > LAST_CHUNK.length
            && SocketLoop.find(in, in.position() - LAST_CHUNK.length, LAST_CHUNK) >= 0;
      }
      if (length < 0) {
        int head = SocketLoop.find(in, 0, HEAD_END);
        if (head < 0) {
          return false;
        }
        var text = SocketLoop.text(in, head);
        length = head + HEAD_END.length + Integer.parseInt(text.split("Content-Length: ", 2)[1].split("\r", 2)[0]);
      }
      return in.position() >= length;
    }
  }
}
