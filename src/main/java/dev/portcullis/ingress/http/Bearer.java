package dev.portcullis.ingress.http;

import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Problems;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.apache.pekko.http.javadsl.model.HttpRequest;

/** The token of a request: from its header alone, for requests and upgrades. */
public final class Bearer {
  /** Where clients that cannot set headers put their token: refused, for URLs end up in logs (SEC-10). */
  private static final Set<String> IN_URL = Set.of(
      "token", "access_token", "api_key", "apikey", "api-key", "auth", "authorization", "password", "secret");

  private static final String SCHEME = "bearer ";

  private Bearer() {}

  /**
   * Empty when none is shown.
   *
   * @throws InputFault when there is one in the URL, or more than one header that could hold it
   */
  public static Optional<String> shown(HttpRequest request) {
    if (IN_URL.stream().anyMatch(name -> namedInUrl(request, name))) {
      throw InputFault.of(Problems.credentialInUrl());
    }
    var shown = StreamSupport.stream(request.getHeaders().spliterator(), false)
        .filter(header -> header.is("authorization"))
        .map(header -> header.value().strip())
        .toList();
    if (shown.size() > 1) { // Whoever stands between might have looked at the other one.
      throw InputFault.of(Problems.unauthorized());
    }
    return shown.stream()
        .filter(value -> value.toLowerCase(Locale.ROOT).startsWith(SCHEME))
        .map(value -> value.substring(SCHEME.length()).strip())
        .findFirst();
  }

  private static boolean namedInUrl(HttpRequest request, String name) {
    return request.getUri().rawQueryString()
        .filter(query -> ("&" + query.toLowerCase(Locale.ROOT)).contains("&" + name + "="))
        .isPresent();
  }
}
