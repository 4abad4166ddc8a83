package dev.portcullis.ops;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/** The side of systemd: a Unix datagram socket under a path or an abstract name. */
final class DatagramListener implements AutoCloseable {
  private static final int AF_UNIX = 1;
  private static final int SOCK_DGRAM = 2;
  private static final MethodHandle SOCKET = function("socket", FunctionDescriptor.of(
      ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
  private static final MethodHandle BIND = function("bind", FunctionDescriptor.of(
      ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
  private static final MethodHandle RECVFROM = function("recvfrom", FunctionDescriptor.of(
      ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_INT,
      ValueLayout.ADDRESS, ValueLayout.ADDRESS));
  private static final MethodHandle CLOSE =
      function("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

  private final int descriptor;

  private DatagramListener(int descriptor) {
    this.descriptor = descriptor;
  }

  static DatagramListener at(String name) throws Throwable {
    var path = name.getBytes(StandardCharsets.UTF_8);
    try (var arena = Arena.ofConfined()) {
      var address = arena.allocate(110);
      address.set(ValueLayout.JAVA_SHORT_UNALIGNED, 0, (short) AF_UNIX);
      MemorySegment.copy(path, 0, address, ValueLayout.JAVA_BYTE, 2, path.length);
      if (name.startsWith("@")) {
        address.set(ValueLayout.JAVA_BYTE, 2, (byte) 0);
      }
      int descriptor = (int) SOCKET.invokeExact(AF_UNIX, SOCK_DGRAM, 0);
      int bound = (int) BIND.invokeExact(descriptor, address, 2 + path.length);
      if (bound != 0) {
        throw new IllegalStateException("cannot bind " + name);
      }
      return new DatagramListener(descriptor);
    }
  }

  /** Waits for the next message. */
  String receive() throws Throwable {
    try (var arena = Arena.ofConfined()) {
      var buffer = arena.allocate(4_096);
      long length = (long) RECVFROM.invokeExact(
          descriptor, buffer, buffer.byteSize(), 0, MemorySegment.NULL, MemorySegment.NULL);
      return new String(buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }
  }

  @Override
  public void close() {
    try {
      int _ = (int) CLOSE.invokeExact(descriptor);
    } catch (Throwable impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  @SuppressWarnings("restricted")
  private static MethodHandle function(String name, FunctionDescriptor descriptor) {
    var linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
  }
}
