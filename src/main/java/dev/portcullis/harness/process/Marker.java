package dev.portcullis.harness.process;

/**
 * What every process of an agent carries in its environment, and hands down to the commands it runs: it finds
 * those that left the process group and lost their parent.
 *
 * @param instance names the data directory: gateways with different ones leave each other's processes alone
 * @param incarnation the life of the gateway that started the process
 * @param process names the process within that life
 */
public record Marker(String instance, long incarnation, String process) {
  /** Name of the environment variable. */
  public static final String VARIABLE = "PORTCULLIS_HARNESS";

  public Marker {
    if (instance.isEmpty() || instance.indexOf(':') >= 0) {
      throw new IllegalArgumentException("an instance is not empty and has no colon: " + instance);
    }
  }

  String value() {
    return instance + ":" + incarnation + ":" + process;
  }

  /** What all markers of this instance begin with, as it stands in the environment. */
  static String entryPrefix(String instance) {
    return VARIABLE + "=" + instance + ":";
  }

  String entry() {
    return VARIABLE + "=" + value();
  }
}
