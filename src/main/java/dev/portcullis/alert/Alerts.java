package dev.portcullis.alert;

/** Tells the operator what needs a person. Thread-safe, never blocks, never throws. */
public interface Alerts {
  /**
   * Raises an alert, or repeats it: the same {@code topic} is sent once per repeat interval.
   *
   * @param topic what it is about, stable: {@code harness.claude}
   * @param text one sentence
   * @return the reference id, the same as long as the topic is raised; a user's error message carries it too
   */
  String raise(String topic, String text);

  /** Says that the cause is gone; nothing is sent when the topic was not raised. */
  void resolve(String topic, String text);
}
