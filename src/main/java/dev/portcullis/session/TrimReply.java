package dev.portcullis.session;

/** What came of a trim. */
public sealed interface TrimReply extends Wire {
  /** @param events that are gone */
  record Trimmed(long events) implements TrimReply {}

  /** What should be gone may all be there still: the next sweep asks again. */
  record NotTrimmed() implements TrimReply {}
}
