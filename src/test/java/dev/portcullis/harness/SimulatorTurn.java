package dev.portcullis.harness;

import java.util.List;

/** One turn of a simulated agent, in the words of its protocol. Called by the thread of the turn. */
interface SimulatorTurn {
  /** The agent's own id of the conversation. */
  String session();

  String prompt();

  /** A piece of the answer. */
  void text(String text);

  /** Calls tools in every way that its protocol knows, also such as are never announced or never end. */
  void tools();

  void stepBegins(String callId, String title);

  void stepEnds(String callId);

  /** Asks for permission and waits; {@code y} when it was given once, else what was answered. */
  String permission() throws InterruptedException;

  /** Asks for something that nobody offered; the answer's error code. */
  int unknownRequest() throws InterruptedException;

  /** The end of the turn, as often as it is called. */
  void complete(boolean cancelled);

  void fail(int code);

  /** Words, and an end, that belong to another conversation or turn. */
  void foreign();

  /** A step of a script that means something in its protocol alone. */
  default void own(String[] step) throws InterruptedException {
    throw new IllegalArgumentException(step[0]);
  }

  /** Whole messages as they would be written, for a piece of the answer first. */
  List<String> messages(String text);
}
