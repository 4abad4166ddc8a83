package dev.portcullis.ingress.openai;

import dev.portcullis.ingress.Problem;
import dev.portcullis.protocol.RunView;

/** What became of a request: a run that is in the journal, or a refusal. */
sealed interface Taken {
  /** @param replayed whether the run was there before the request came */
  record Run(RunView view, boolean replayed) implements Taken {}

  record Refused(Problem problem) implements Taken {}
}
