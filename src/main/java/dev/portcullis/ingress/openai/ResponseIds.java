package dev.portcullis.ingress.openai;

import dev.portcullis.ingress.Digests;
import java.util.Base64;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Names of responses and their parts, all derived from the run, so that they are found again without being
 * stored. A run's id is chance: none of them says anything of the session.
 */
final class ResponseIds {
  private static final String PREFIX = "resp_";
  private static final Pattern SHAPE = Pattern.compile("resp_([A-Za-z0-9][A-Za-z0-9_.:-]{0,127})");

  private ResponseIds() {}

  static String of(String runId) {
    return PREFIX + runId;
  }

  /** Empty when it is not the name of any response. */
  static Optional<String> runId(String id) {
    var matcher = SHAPE.matcher(id);
    return matcher.matches() ? Optional.of(matcher.group(1)) : Optional.empty();
  }

  /** @param part which message of the run, the same for ever */
  static String message(String runId, String part) {
    return named("msg_", runId, part);
  }

  /** Of the item that a call of a function is; not the call's own id, which is the model's. */
  static String call(String runId, String part) {
    return named("fc_", runId, part);
  }

  private static String named(String prefix, String runId, String part) {
    return prefix + Base64.getUrlEncoder().withoutPadding()
        .encodeToString(Digests.sha256(prefix, runId, part)).substring(0, 32);
  }
}
