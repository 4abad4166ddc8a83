package dev.portcullis.ingress.ws.methods;

import dev.portcullis.ingress.Digests;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.Principal;
import java.util.List;

/**
 * What a run is called here and among the clients of this protocol. They name a run before they send it: the
 * idempotency key is its id. Our id of such a run is {@code run_<whose>.<theirs>}: it can be computed from
 * theirs, so the same key finds the same run after any restart, and theirs can be read from it, so that
 * every event carries the name that its client waits for. Whose it is keeps the keys of two principals apart.
 * A run from elsewhere has one name everywhere.
 */
final class RunNames {
  private static final String PREFIX = "run_";
  private static final int WHOSE = 16;
  /** What fits into a path, with what is put before it. */
  private static final String KEY = "[A-Za-z0-9][A-Za-z0-9_.:-]{0,95}";

  private RunNames() {}

  /** Our id of the run that {@code principal} calls {@code key}. */
  static String id(Principal principal, String key) {
    return PREFIX + Digests.hex(principal.name()).substring(0, WHOSE) + "." + key;
  }

  /** Ours of the run that clients know as {@code shown}, likeliest first. */
  static List<String> candidates(Principal principal, String shown) {
    return shown.matches(KEY) ? List.of(id(principal, shown), shown) : List.of(shown);
  }

  /** What clients call the run: the first dot ends what we put before it, and our other ids have none. */
  static String shown(String id) {
    boolean named = id.startsWith(PREFIX) && id.indexOf('.') == PREFIX.length() + WHOSE;
    return named ? id.substring(PREFIX.length() + WHOSE + 1) : id;
  }

  /** @throws dev.portcullis.ingress.InputFault when no run can be called {@code key} */
  static String checked(String key) {
    if (!key.matches(KEY)) {
      throw Fields.fault("idempotencyKey", "must be 1 to 96 letters, digits and _ . : -");
    }
    return key;
  }
}
