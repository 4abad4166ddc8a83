package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.config.Network;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.stream.Stream;
import org.apache.pekko.http.javadsl.model.AttributeKeys;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.RemoteAddress;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ClientsTest {
  private static String client(String peer, List<String> proxies, String... forwarded) {
    try {
      var request = HttpRequest.create("/")
          .addAttribute(AttributeKeys.remoteAddress, RemoteAddress.create(InetAddress.getByName(peer)));
      for (var hops : forwarded) {
        request = request.addHeader(RawHeader.create("X-Forwarded-For", hops));
      }
      return new Clients(proxies.stream().map(text -> Network.parse(text).orElseThrow()).toList()).of(request);
    } catch (UnknownHostException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  @Test
  @Tag("SEC-13")
  void whatIsForwardedIsBelievedFromATrustedProxyAlone() {
    assertEquals("203.0.113.9", client("203.0.113.9", List.of(), "127.0.0.1"));
    assertEquals("203.0.113.9", client("203.0.113.9", List.of("10.0.0.0/8"), "127.0.0.1"));
    assertEquals("203.0.113.9", client("10.0.0.1", List.of("10.0.0.0/8"), "203.0.113.9"));
    assertEquals("127.0.0.1", client("127.0.0.1", List.of(), "198.51.100.1"));
  }

  @Test
  @Tag("SEC-13")
  void ofManyHopsTheLastThatIsNoProxyCounts() {
    var proxies = List.of("10.0.0.0/8");
    assertEquals("203.0.113.9", client("10.0.0.1", proxies, "127.0.0.1, 203.0.113.9, 10.0.0.2"));
    assertEquals("203.0.113.9", client("10.0.0.1", proxies, "127.0.0.1, 203.0.113.9", "10.0.0.2"));
    assertEquals("10.0.0.3", client("10.0.0.1", proxies, "10.0.0.3"));
    assertEquals("10.0.0.1", client("10.0.0.1", proxies, "203.0.113.9, evil"));
  }

  @Test
  void theAddressesOfOneNetworkOfIpv6AreOneClient() {
    assertEquals(client("2001:db8:1:2::3", List.of()), client("2001:db8:1:2:ffff::4", List.of()));
    assertFalse(client("2001:db8:1:2::3", List.of()).equals(client("2001:db8:1:3::3", List.of())));
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.255.0.1, true", "10.0.0.0/8, 11.0.0.1, false", "192.0.2.128/25, 192.0.2.127, false",
    "192.0.2.128/25, 192.0.2.200, true", "::1, ::1, true", "::1, ::2, false", "0.0.0.0/0, 8.8.8.8, true",
    "0.0.0.0/0, ::2, false", "fd00::/8, fdff::1, true"})
  void aNetworkHoldsWhatBeginsWithItsBits(String network, String address, boolean holds)
      throws UnknownHostException {
    assertEquals(holds, Network.parse(network).orElseThrow().contains(InetAddress.getByName(address)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::1/129", "300.0.0.1", "a.b:c", "*"})
  void whatIsNoNetworkIsNone(String text) {
    assertTrue(Network.parse(text).isEmpty(), text);
  }

  @Test
  void aRequestOfAnUnknownPeerIsCountedToo() {
    assertEquals("unknown", new Clients(List.of()).of(HttpRequest.create("/")));
    assertEquals(1, Stream.of(client("127.0.0.1", List.of()), "127.0.0.1").distinct().count());
  }
}
