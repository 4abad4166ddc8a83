package dev.portcullis.harness.http;

import java.util.Map;

/** What a model server says of one answer, in our words. */
public sealed interface ModelEvent {
  /** A piece of the answer. */
  record Text(String text) implements ModelEvent {}

  /**
   * A piece of a call of a function that was offered.
   *
   * @param index of the call within the answer
   * @param id empty in pieces after the first
   * @param name empty in pieces after the first
   * @param arguments a piece of them, in order
   */
  record Call(int index, String id, String name, String arguments) implements ModelEvent {}

  /** All of the answer, as the server puts it together itself. */
  record Whole(String text) implements ModelEvent {}

  /** How many tokens went where, so far; a count that is not there is as it was. */
  record Tokens(Map<Count, Long> counts) implements ModelEvent {
    public Tokens {
      counts = Map.copyOf(counts);
    }
  }

  /** Kinds of tokens that do not overlap: input is what came neither from a cache nor went into one. */
  enum Count { INPUT, CACHE_READ, CACHE_WRITE, OUTPUT }

  /**
   * Why the answer stops.
   *
   * @param reason end_turn, max_tokens, refusal, or the server's own word for what we have none for
   * @param whole the server may leave out what should follow: the answer is complete without it
   */
  record Stop(String reason, boolean whole) implements ModelEvent {}

  /** Nothing follows. */
  record Done() implements ModelEvent {}

  /** The server could not go on. */
  record Broken(ModelError error) implements ModelEvent {}
}
