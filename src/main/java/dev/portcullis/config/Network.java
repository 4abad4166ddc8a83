package dev.portcullis.config;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Addresses that begin with the same bits, as {@code 10.0.0.0/8} or {@code fd00::/8}.
 *
 * @param address one of them
 * @param bits how many they have in common
 */
public record Network(InetAddress address, int bits) {
  private static final int BYTE = 8;
  /** Never a name, which would be looked up. */
  private static final Pattern SHAPE =
      Pattern.compile("([0-9]{1,3}(?:\\.[0-9]{1,3}){3}|[0-9a-fA-F.]*:[0-9a-fA-F:.]*)(?:/([0-9]{1,3}))?");

  /** Empty when {@code text} is none. A single address is a network of itself. */
  public static Optional<Network> parse(String text) {
    var match = SHAPE.matcher(text);
    if (!match.matches()) {
      return Optional.empty();
    }
    try {
      var address = InetAddress.getByName(match.group(1));
      int longest = address.getAddress().length * BYTE;
      int bits = Optional.ofNullable(match.group(2)).map(Integer::parseInt).orElse(longest);
      return bits > longest ? Optional.empty() : Optional.of(new Network(address, bits));
    } catch (UnknownHostException malformed) {
      return Optional.empty();
    }
  }

  public boolean contains(InetAddress other) {
    var mine = address.getAddress();
    var its = other.getAddress();
    if (mine.length != its.length) {
      return false;
    }
    for (int bit = 0; bit < bits; bit++) {
      int mask = 1 << BYTE - 1 - bit % BYTE;
      if ((mine[bit / BYTE] & mask) != (its[bit / BYTE] & mask)) {
        return false;
      }
    }
    return true;
  }
}
