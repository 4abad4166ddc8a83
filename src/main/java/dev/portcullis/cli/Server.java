package dev.portcullis.cli;

/** Runs the gateway in the foreground. */
public interface Server {
  /** Returns the exit code once the gateway has stopped. */
  int run(ServeOptions options);
}
