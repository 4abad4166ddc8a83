package dev.portcullis.ingress.http;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.config.Network;
import dev.portcullis.ingress.Problem;
import dev.portcullis.ingress.Problems;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.apache.pekko.http.javadsl.model.HttpRequest;

/**
 * Keeps web pages out. The port answers only to names that it is known to go by, so that a name that was
 * rebound to it leads nowhere; and no request may come from a page of another origin. Neither is
 * authentication: the token is.
 *
 * @param names allowed in {@code Host}
 * @param anyName whether every name is
 * @param addresses whether every address is: a page cannot be rebound to one, and a listener on all of them
 *     does not know its own
 * @param origins allowed besides the port's own
 * @param secure whether a proxy ends TLS before the port, so that its own origin may be an https one
 */
public record Origins(
    Set<String> names, boolean anyName, boolean addresses, Set<String> origins, boolean secure) {
  private static final Set<String> OWN_PAGES = Set.of("", "same-origin", "none");

  public Origins {
    names = Set.copyOf(names);
    origins = Set.copyOf(origins);
  }

  public static Origins of(GatewayConfig.Http http) {
    return new Origins(
        Stream.concat(Stream.of("localhost", "127.0.0.1", "::1", http.host()), http.hosts().stream())
            .map(Origins::plain)
            .collect(Collectors.toSet()),
        http.hosts().contains("*"),
        !isLoopback(http.host()),
        Set.copyOf(http.origins()),
        !http.proxies().isEmpty());
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException unknown) {
      return true; // Binding to it will say so.
    }
  }

  /** Why the request is refused; empty when it is not. To be asked before anything else. */
  public Optional<Problem> refuse(HttpRequest request) {
    var authority = first(request, "host");
    var host = plain(authority.replaceFirst(":\\d*$", ""));
    boolean known = anyName || names.contains(host) || addresses && Network.parse(host).isPresent();
    if (!known) {
      return Optional.of(Problems.hostRefused());
    }
    var from = all(request, "origin");
    if (!from.isEmpty()) {
      return from.stream().allMatch(origin -> allowed(origin, authority))
          ? Optional.empty()
          : Optional.of(Problems.originRefused());
    }
    return OWN_PAGES.contains(first(request, "sec-fetch-site"))
        ? Optional.empty()
        : Optional.of(Problems.originRefused());
  }

  private boolean allowed(String origin, String authority) {
    return origins.contains(origin)
        || origin.equals("http://" + authority)
        || secure && origin.equals("https://" + authority);
  }

  private static String first(HttpRequest request, String name) {
    return all(request, name).stream().findFirst().orElse("");
  }

  private static List<String> all(HttpRequest request, String name) {
    return StreamSupport.stream(request.getHeaders().spliterator(), false)
        .filter(header -> header.is(name))
        .map(header -> header.value().strip().toLowerCase(Locale.ROOT))
        .toList();
  }

  /** Lower case, no brackets, no final dot. */
  private static String plain(String host) {
    var name = host.toLowerCase(Locale.ROOT).replace("[", "").replace("]", "");
    return name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
  }
}
