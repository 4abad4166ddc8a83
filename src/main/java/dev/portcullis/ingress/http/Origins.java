package dev.portcullis.ingress.http;

import dev.portcullis.ingress.Problem;
import dev.portcullis.ingress.Problems;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.pekko.http.javadsl.model.HttpRequest;

/**
 * Keeps web pages out. A loopback listener answers only to loopback names, so that a name that was rebound to
 * it leads nowhere; and no request may come from a page of another origin. Neither is authentication: the
 * token is.
 *
 * @param names allowed in {@code Host}; empty when the listener is not on loopback and any name may lead to
 *     it
 */
record Origins(Set<String> names) {
  Origins {
    names = Set.copyOf(names);
  }

  /** For a listener on {@code host}, a name or an address. */
  static Origins of(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress()
          ? new Origins(Stream.of("localhost", "127.0.0.1", "::1", host).map(Origins::plain)
              .collect(Collectors.toSet()))
          : new Origins(Set.of());
    } catch (UnknownHostException unknown) {
      return new Origins(Set.of()); // Binding to it will say so.
    }
  }

  /** Why the request is refused; empty when it is not. */
  Optional<Problem> refuse(HttpRequest request) {
    var authority = header(request, "host");
    if (!names.isEmpty() && !names.contains(plain(withoutPort(authority)))) {
      return Optional.of(Problems.hostRefused());
    }
    var origin = header(request, "origin");
    boolean foreign = !origin.isEmpty() && !origin.equals("http://" + authority)
        && !origin.equals("https://" + authority);
    return foreign || header(request, "sec-fetch-site").equals("cross-site")
        ? Optional.of(Problems.originRefused())
        : Optional.empty();
  }

  private static String header(HttpRequest request, String name) {
    return request.getHeader(name).map(header -> header.value().strip().toLowerCase(Locale.ROOT)).orElse("");
  }

  private static String withoutPort(String authority) {
    return authority.replaceFirst(":\\d*$", "");
  }

  /** Lower case, no brackets, no final dot. */
  private static String plain(String host) {
    var name = host.toLowerCase(Locale.ROOT).replace("[", "").replace("]", "");
    return name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
  }
}
