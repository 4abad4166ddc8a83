package dev.portcullis.session;

import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * What an attempt has asked approval for, in its run's state. It outlives the attempt: the next one may ask
 * for the same.
 *
 * @param attempt that waits, or waited, for the answer
 * @param request the harness's own id of the question
 * @param answer given while no attempt waited for it, so that the next one that asks has it; else none
 */
record Question(String digest, int attempt, String request, Instant expiresAt, List<Answer> answer) {
  record Answer(boolean allowed, String by) {}

  Question {
    // Snapshots of older versions have no more than the digest: nobody can wait for such an answer.
    request = Objects.requireNonNullElse(request, "");
    expiresAt = Objects.requireNonNullElse(expiresAt, Instant.EPOCH);
    answer = List.copyOf(Objects.requireNonNullElse(answer, List.of()));
  }

  static Question of(SessionEvent.ApprovalRequested ask) {
    var request = ask.request().isEmpty() ? ask.approvalId() : ask.request();
    return new Question(ask.digest(), ask.attempt(), request, ask.expiresAt(), List.of());
  }

  Question answered(SessionEvent.ApprovalDecided done) {
    return new Question(digest, attempt, request, expiresAt, List.of(new Answer(done.allowed(), done.by())));
  }

  /** Nobody has decided it. */
  boolean pending() {
    return answer.isEmpty();
  }

  /** An attempt of {@code run} waits for the answer at this moment. */
  boolean waits(OpenRun run) {
    return pending() && run.status().active() && attempt == run.attempt().number();
  }
}
