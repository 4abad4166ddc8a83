package dev.portcullis.ingress.ws;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.apache.pekko.Done;
import org.apache.pekko.http.impl.engine.ws.FrameEvent;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.FlowShape;
import org.apache.pekko.stream.Inlet;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.stage.AbstractInHandler;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.AsyncCallback;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.GraphStageLogic;
import org.apache.pekko.stream.stage.TimerGraphStageLogic;
import org.apache.pekko.util.ByteString;

/**
 * One WebSocket below any protocol: whole texts in, whole texts out, and an end with a code. It runs within
 * the stream of its TCP connection, so an idle one costs no thread, no actor of its own and no timer. Its
 * methods are thread-safe; its owner is called by one thread at a time.
 */
final class Socket extends GraphStage<FlowShape<FrameEvent, FrameEvent>> {
  /** Who reads from a socket. */
  interface Owner {
    void opened();

    void text(byte[] text);

    /** Whether another message may be read now; {@link Socket#wake} says that this has changed. */
    boolean reads();

    /** Once, however it ended. */
    void closed();
  }

  /** How long the other side may take to say goodbye. */
  private static final Duration GRACE = Duration.ofSeconds(1);

  private static final String LOGIN = "login";
  private static final String END = "end";

  private final Inlet<FrameEvent> in = Inlet.create("socket.in");
  private final Outlet<FrameEvent> out = Outlet.create("socket.out");
  private final FlowShape<FrameEvent, FrameEvent> shape = FlowShape.of(in, out);
  private final Outbox outbox;
  private final Assembly assembly;
  private final Duration login;
  private final Owner owner;
  private final AtomicBoolean woken = new AtomicBoolean();
  private volatile Runnable wake = () -> {};
  private volatile boolean trusted;
  private volatile boolean heard;

  /**
   * @param buffer bytes of events that may wait
   * @param first bytes of a message until {@link #trust}
   * @param login time until then
   */
  Socket(int buffer, int first, Duration login, Function<Socket, Owner> owner) {
    this.outbox = new Outbox(buffer);
    this.assembly = new Assembly(first);
    this.login = login;
    this.owner = owner.apply(this);
  }

  /** False when the client is too slow for it; then it is not sent. */
  boolean event(ByteString text) {
    boolean taken = outbox.event(text);
    wake();
    return taken;
  }

  void answer(ByteString text) {
    outbox.answer(text);
    wake();
  }

  /** Closes after what waits already; nothing later is sent. */
  void close(int code, String reason) {
    outbox.close(code, reason, false);
    wake();
  }

  /** Closes without sending what waits. */
  void cut(int code, String reason) {
    outbox.close(code, reason, true);
    wake();
  }

  /** The client has shown who it is: it has time, and may say more at once. */
  void trust(int messageBytes) {
    trusted = true;
    assembly.limit(messageBytes);
  }

  /**
   * Asks for a sign of life.
   *
   * @return whether there was one since this was called last
   */
  boolean probe() {
    boolean alive = heard;
    heard = false;
    outbox.ping();
    wake();
    return alive;
  }

  /** Looks again at what there is to send, and whether the owner reads. */
  void wake() {
    if (woken.compareAndSet(false, true)) {
      wake.run();
    }
  }

  @Override
  public FlowShape<FrameEvent, FrameEvent> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends TimerGraphStageLogic {
    private boolean peerClosed;
    private boolean ending;

    private Logic() {
      super(shape);
      setHandler(in, new AbstractInHandler() {
        @Override
        public void onPush() {
          heard = true;
          take(assembly.add(grab(in)));
          flush();
        }

        @Override
        public void onUpstreamFinish() {
          completeStage(); // The TCP connection has ended.
        }

        @Override
        public void onUpstreamFailure(Throwable broken) {
          outbox.close(1002, "not a frame", true); // What the parser refuses; a reset finds nobody to tell.
          peerClosed = true;
          flush();
        }
      });
      setHandler(out, new AbstractOutHandler() {
        @Override
        public void onPull() {
          if (outbox.full()) {
            heard = true; // Nothing is read meanwhile, and it takes what it asked for.
          }
          flush();
        }
      });
    }

    @Override
    public void preStart() {
      AsyncCallback<Done> look = createAsyncCallback(_ -> {
        woken.set(false);
        flush();
      });
      wake = () -> look.invoke(Done.getInstance());
      heard = true;
      scheduleOnce(LOGIN, login);
      owner.opened();
      woken.set(true);
      wake.run();
    }

    @Override
    public void postStop() {
      outbox.close(1006, "", true);
      owner.closed();
    }

    @Override
    public void onTimer(Object key) {
      if (key.equals(END)) {
        completeStage();
      } else if (!trusted) {
        outbox.close(1008, "handshake timeout", true);
        flush();
      }
    }

    private void take(Assembly.Found found) {
      switch (found) {
        case Assembly.Found.Nothing _, Assembly.Found.Pong _ -> {}
        case Assembly.Found.Text(var bytes) -> {
          if (!outbox.closing()) {
            owner.text(bytes);
          }
        }
        case Assembly.Found.Ping(var data) -> outbox.pong(data);
        case Assembly.Found.Close(var code) -> {
          peerClosed = true;
          outbox.close(code, "", true);
        }
        case Assembly.Found.Fault(var code, var reason) -> outbox.close(code, reason, true);
      }
    }

    private void flush() {
      if (isAvailable(out)) {
        outbox.next().ifPresent(frame -> push(out, frame));
      }
      if (outbox.closing() && !ending) {
        ending = true;
        scheduleOnce(END, GRACE);
      }
      if (outbox.ended() && peerClosed) {
        completeStage();
      } else if (!isClosed(in) && !hasBeenPulled(in) && mayRead()) {
        pull(in);
      }
    }

    /** A socket that ends is read to its end: the goodbye of the other side may lie behind other things. */
    private boolean mayRead() {
      return outbox.closing() || owner.reads() && !outbox.full();
    }
  }
}
