package dev.portcullis.ingress.http;

import dev.portcullis.ingress.Problems;
import java.security.SecureRandom;
import org.apache.pekko.event.LoggingAdapter;
import org.apache.pekko.http.ParsingErrorHandler;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.http.scaladsl.model.ErrorInfo;
import org.apache.pekko.http.scaladsl.model.StatusCode;
import org.apache.pekko.http.scaladsl.settings.ServerSettings;

/**
 * Answers what Pekko HTTP cannot parse, in the shape of every other error. Named in the server's settings and
 * found by Pekko through {@code MODULE$}, as it finds Scala objects.
 */
public final class MalformedRequest extends ParsingErrorHandler {
  /** The one instance; the name is Scala's. */
  public static final MalformedRequest MODULE$ = new MalformedRequest();

  private final SecureRandom random = new SecureRandom(); // Nothing can be injected here.

  private MalformedRequest() {}

  @Override
  public HttpResponse handle(StatusCode status, ErrorInfo info, LoggingAdapter log, ServerSettings settings) {
    // What is wrong with it may be a part of a credential, and who sent it knows the rest.
    return Replies.problem(Problems.rejected(status.intValue()))
        .addHeader(RawHeader.create("x-request-id", Router.requestId(random)));
  }
}
