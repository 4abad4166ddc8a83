package dev.portcullis.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Sockets on one thread and nothing above them: what drives and feeds a gateway under load must cost much less than it does.
 */
final class SocketLoop implements AutoCloseable {
  /** One connection. What came is kept until its owner has used it. */
  interface Peer {
    /** Looks at all that has come and is not used yet, which is {@code in} up to its position. */
    void read(Connection connection, ByteBuffer in) throws IOException;
  }

  /** Small enough for all of them to fit; nothing that is exchanged here is longer. */
  private static final int BUFFER_BYTES = 64 << 10;

  private final Selector selector;

  SocketLoop() {
    try {
      selector = Selector.open();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** @param peer made anew for each connection that comes */
  int listen(Supplier<Peer> peer) throws IOException {
    var server = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0), 1_024);
    server.configureBlocking(false).register(selector, SelectionKey.OP_ACCEPT, peer);
    return ((InetSocketAddress) server.getLocalAddress()).getPort();
  }

  Connection connect(int port, Peer peer) throws IOException {
    return register(SocketChannel.open(new InetSocketAddress("127.0.0.1", port)), peer);
  }

  private Connection register(SocketChannel channel, Peer peer) throws IOException {
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    channel.configureBlocking(false);
    var connection = new Connection(channel, peer);
    connection.key = channel.register(selector, SelectionKey.OP_READ, connection);
    return connection;
  }

  /** Serves until {@code stop}, which is looked at after everything that happens, and now and then. */
  void run(BooleanSupplier stop) throws IOException {
    while (!stop.getAsBoolean()) {
      selector.select(this::ready, 50);
    }
  }

  private void ready(SelectionKey key) {
    try {
      if (key.isAcceptable()) {
        @SuppressWarnings("unchecked")
        var peer = (Supplier<Peer>) key.attachment();
        var channel = ((ServerSocketChannel) key.channel()).accept();
        if (channel != null) {
          register(channel, peer.get());
        }
      } else {
        ((Connection) key.attachment()).ready(key);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** CPU time of {@code thread} so far. */
  static Duration cpu(Thread thread) {
    long nanos = ManagementFactory.getThreadMXBean().getThreadCpuTime(thread.threadId());
    return Duration.ofNanos(Math.max(0, nanos));
  }

  /** Runs until the loop is closed. */
  Thread start(String name) {
    return Thread.ofPlatform().daemon().name(name).start(() -> {
      try {
        run(() -> !selector.isOpen());
      } catch (ClosedSelectorException closed) {
        return; // That is how it ends.
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    });
  }

  @Override
  public void close() {
    try {
      for (var key : selector.keys()) {
        key.channel().close();
      }
      selector.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static final class Connection {
    private final SocketChannel channel;
    private final Peer peer;
    private final ByteBuffer in = ByteBuffer.allocate(BUFFER_BYTES);
    private ByteBuffer out = ByteBuffer.allocate(0);
    private SelectionKey key;

    private Connection(SocketChannel channel, Peer peer) {
      this.channel = channel;
      this.peer = peer;
    }

    private void ready(SelectionKey ready) throws IOException {
      if (ready.isWritable()) {
        write();
      }
      if (ready.isReadable()) {
        int read;
        try {
          read = channel.read(in);
        } catch (IOException reset) {
          read = -1;
        }
        if (read < 0) {
          channel.close();
        } else if (read == 0 && !in.hasRemaining()) {
          throw new IllegalStateException("more than " + BUFFER_BYTES + " bytes: " + text(in, 500));
        } else {
          peer.read(this, in);
        }
      }
    }

    /** Sends all of it, at once where the socket takes it. */
    void send(byte[] bytes) throws IOException {
      if (out.hasRemaining()) {
        throw new IllegalStateException("the last message is not sent yet");
      }
      out = ByteBuffer.wrap(bytes);
      write();
    }

    private void write() throws IOException {
      channel.write(out);
      key.interestOps(out.hasRemaining() ? SelectionKey.OP_READ | SelectionKey.OP_WRITE : SelectionKey.OP_READ);
    }

    void close() throws IOException {
      channel.close();
    }
  }

  // ---- looking into what came
  static String text(ByteBuffer in, int most) {
    return new String(in.array(), 0, Math.min(most, in.position()), StandardCharsets.ISO_8859_1);
  }

  /** Where {@code word} begins at or after {@code from}; -1 when it is not there. */
  static int find(ByteBuffer in, int from, byte[] word) {
    var bytes = in.array();
    for (int at = from; at <= in.position() - word.length; at++) {
      if (Arrays.equals(bytes, at, at + word.length, word, 0, word.length)) {
        return at;
      }
    }
    return -1;
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static void pause(Duration time) {
    LockSupport.parkNanos(time.toNanos());
  }
}
