package dev.portcullis.boot;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;

/**
 * SIGTERM and SIGINT as calls, so that a drain decides when and with which code the process ends. A shutdown
 * hook could neither end with 0 nor hear a second signal. Reached by reflection, because the compiler refuses
 * {@code sun.misc}.
 */
final class StopSignals {
  private StopSignals() {}

  /** Calls {@code onStop} at each signal, on a thread of the JVM's. */
  static void handle(Runnable onStop) {
    try {
      var signal = Class.forName("sun.misc.Signal");
      var handler = Class.forName("sun.misc.SignalHandler");
      var proxy =
          Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, (self, method, args) ->
          switch (method.getName()) {
            case "handle" -> {
              onStop.run();
              yield null;
            }
            case "equals" -> self == args[0];
            case "hashCode" -> System.identityHashCode(self);
            case String name -> name;
          });
      for (var name : List.of("TERM", "INT")) {
        signal.getMethod("handle", signal, handler)
            .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
      }
    } catch (ReflectiveOperationException | IllegalArgumentException missing) {
      throw new IllegalStateException("this JVM has no signals", cause(missing));
    }
  }

  private static Throwable cause(Exception e) {
    return e instanceof InvocationTargetException wrapped ? wrapped.getCause() : e;
  }
}
