package dev.portcullis.ingress.http;

import dev.portcullis.config.Network;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.pekko.http.javadsl.model.AttributeKeys;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.RemoteAddress;

/**
 * Who failures are counted for: the address of the peer, or what a trusted proxy says it is. It proves
 * nothing and gives nobody a right (SEC-13).
 *
 * @param proxies networks of the proxies that are trusted
 */
public record Clients(List<Network> proxies) {
  private static final int PREFIX_BYTES = 8;
  private static final int IPV6_BYTES = 16;

  public Clients {
    proxies = List.copyOf(proxies);
  }

  /** An address; of IPv6 the network, for a single client has as many addresses as it likes. */
  public String of(HttpRequest request) {
    return request.getAttribute(AttributeKeys.remoteAddress)
        .flatMap(RemoteAddress::getAddress)
        .map(peer -> prefix(trusted(peer) ? forwarded(request, peer) : peer))
        .orElse("unknown");
  }

  /** Whether it is one of the proxies. */
  public boolean trusted(InetAddress peer) {
    return proxies.stream().anyMatch(network -> network.contains(peer));
  }

  /** The last hop that is no proxy of ours: what stands before it may be made up. */
  private InetAddress forwarded(HttpRequest request, InetAddress peer) {
    var hops = new ArrayList<String>();
    for (var header : request.getHeaders()) {
      if (header.is("x-forwarded-for")) {
        hops.addAll(Arrays.asList(header.value().split(",")));
      }
    }
    var hop = peer;
    for (int i = hops.size() - 1; i >= 0 && trusted(hop); i--) {
      var next = address(hops.get(i).strip());
      if (next.isEmpty()) {
        return hop;
      }
      hop = next.get();
    }
    return hop;
  }

  private static Optional<InetAddress> address(String text) {
    return Network.parse(text.replaceAll("[\\[\\]]", "")).map(Network::address);
  }

  private static String prefix(InetAddress address) {
    var bytes = address.getAddress();
    if (bytes.length < IPV6_BYTES || address.isLoopbackAddress()) {
      return address.getHostAddress();
    }
    try {
      var network = Arrays.copyOf(Arrays.copyOf(bytes, PREFIX_BYTES), IPV6_BYTES);
      return InetAddress.getByAddress(network).getHostAddress() + "/64";
    } catch (UnknownHostException impossible) {
      throw new IllegalStateException(impossible); // It has sixteen bytes.
    }
  }
}
