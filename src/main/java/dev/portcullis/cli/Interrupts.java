package dev.portcullis.cli;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C, counted. The JDK's only way to hear of a second one is {@code sun.misc.Signal}: a shutdown hook
 * runs once, and while it runs further signals are lost. It is reached by reflection, for the compiler warns
 * of it and warnings are errors.
 */
final class Interrupts {
  private final Semaphore presses = new Semaphore(0);

  /** Counts every Ctrl-C from now on, instead of ending the process. */
  static Interrupts ofProcess() {
    var interrupts = new Interrupts();
    try {
      var signal = Class.forName("sun.misc.Signal");
      var handler = Class.forName("sun.misc.SignalHandler");
      var proxy =
          Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, (self, method, args) ->
          switch (method.getName()) {
            case "handle" -> {
              interrupts.press();
              yield null; // The answer of a method without one.
            }
            case "hashCode" -> System.identityHashCode(self);
            case "equals" -> self == args[0];
            case String _ -> "Interrupts";
          });
      signal.getMethod("handle", signal, handler)
          .invoke(null, signal.getConstructor(String.class).newInstance("INT"), proxy);
    } catch (ClassNotFoundException | NoSuchMethodException | IllegalAccessException | InstantiationException
        | InvocationTargetException unsupported) {
      // Ctrl-C ends the process then: the run goes on all the same.
      return interrupts;
    }
    return interrupts;
  }

  /** One Ctrl-C. */
  void press() {
    presses.release();
  }

  /** Waits for one, which is used up; false when none came in time. */
  boolean await(Duration time) {
    try {
      return presses.tryAcquire(time.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  /** Waits for one however long it takes. */
  void await() throws InterruptedException {
    presses.acquire();
  }
}
