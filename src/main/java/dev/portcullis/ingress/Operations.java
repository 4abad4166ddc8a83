package dev.portcullis.ingress;

/** What the edge asks of the whole gateway; the guardian answers. Thread-safe, never blocks. */
public interface Operations {
  GatewayStatus status();

  /** Starts a drain, or does nothing when one is under way. {@code by}: the principal, for the log. */
  void drain(String by);
}
