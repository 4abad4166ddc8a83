package dev.portcullis.alert;

/** One place where operators look. Thread-safe; neither blocks nor throws. */
interface Sink extends AutoCloseable {
  void send(Notice notice);

  @Override
  void close();
}
