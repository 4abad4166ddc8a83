package dev.portcullis.harness.process;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** {@code kill(2)}: the JDK can signal one process, we need groups. */
final class Signals {
  static final int KILL = 9;
  static final int TERM = 15;

  private static final MethodHandle SEND = send();

  private Signals() {}

  @SuppressWarnings("restricted") // Native code is what is asked for here.
  private static MethodHandle send() {
    var linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow("kill"),
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
  }

  /** Signals one process; false when there is none or it is not ours. */
  static boolean process(long pid, int signal) {
    if (pid <= 1) {
      throw new IllegalArgumentException("not a process to be signalled: " + pid);
    }
    return send((int) pid, signal);
  }

  /** Signals every process of a group; false when there is none. */
  static boolean group(long group, int signal) {
    if (group <= 1) {
      throw new IllegalArgumentException("not a group to be signalled: " + group);
    }
    return send((int) -group, signal);
  }

  private static boolean send(int target, int signal) {
    try {
      return (int) SEND.invokeExact(target, signal) == 0;
    } catch (Throwable e) { // The handle of a C function throws nothing, but its type says it may.
      throw new IllegalStateException("kill(" + target + ", " + signal + ")", e);
    }
  }
}
