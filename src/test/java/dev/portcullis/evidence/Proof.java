package dev.portcullis.evidence;

/** One test that vouches for one id; the repetitions of a parameterised test are one. */
record Proof(String id, String test) {
  /** From good to bad. */
  enum Result {
    PASSED, SKIPPED, FAILED;

    Result worse(Result other) {
      return compareTo(other) >= 0 ? this : other;
    }
  }
}
