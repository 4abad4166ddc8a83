package dev.portcullis.ingress.http;

import dev.portcullis.ingress.Digests;
import dev.portcullis.ingress.Fields;
import dev.portcullis.session.Sessions;
import java.util.Optional;
import java.util.regex.Pattern;

/** Idempotency keys: their shape, and the digests under which a session knows them. */
public final class IdempotencyKeys {
  private static final Pattern SHAPE = Pattern.compile("[\\x21-\\x7e]{1,255}");

  private IdempotencyKeys() {}

  /** The header's key or the body's; both may be given when they agree. */
  public static Optional<String> of(Call call, Optional<String> inBody) {
    var inHeader = call.header("idempotency-key");
    if (inHeader.isPresent() && inBody.isPresent() && !inHeader.equals(inBody)) {
      throw Fields.fault("idempotencyKey", "differs from the header Idempotency-Key; send one of them");
    }
    var key = inHeader.or(() -> inBody);
    if (key.isPresent() && !SHAPE.matcher(key.get()).matches()) {
      throw Fields.fault("idempotencyKey", "must be 1 to 255 visible ASCII characters");
    }
    return key;
  }

  /** @param canonicalBody what the key stands for, the same for every spelling of it */
  public static Sessions.Key scoped(Call call, String route, String key, String canonicalBody) {
    return new Sessions.Key(Digests.hex(call.principal().name(), route, key), Digests.hex(canonicalBody));
  }
}
