package dev.portcullis.journal;

import java.util.zip.CRC32C;

/** CRC32C as LevelDB writes it: rotated and shifted, as data that holds sums is summed too. */
final class Crc {

  private static final int MASK = 0xa282ead8;

  private Crc() {}

  static int of(byte[] bytes, int from, int to) {
    var crc = new CRC32C();
    crc.update(bytes, from, to - from);
    return (int) crc.getValue();
  }

  static int masked(int crc) {
    return (crc >>> 15 | crc << 17) + MASK;
  }
}
