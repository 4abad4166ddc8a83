package dev.portcullis.journal;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads a file in LevelDB's log format (logs and manifests) more strictly than LevelDB does, which skips
 * what looks like zeros without a word: every byte is a record's, a block's filling or the zero tail of a
 * file that was made longer than it was written. Source: LevelDB, doc/log_format.md.
 */
final class LevelDbLog {

  /**
   * What a file holds.
   *
   * @param records all that are sound
   * @param damage what is not, in order of the file
   * @param goesOn whether sound records follow the first damage: then it is a hole, not a torn tail
   */
  record Reading(List<byte[]> records, List<String> damage, boolean goesOn) {
    boolean sound() {
      return damage.isEmpty();
    }
  }

  private static final int BLOCK = 1 << 15;
  private static final int HEADER = 7;
  private static final int FULL = 1;
  private static final int FIRST = 2;
  private static final int MIDDLE = 3;
  private static final int LAST = 4;

  private final byte[] bytes;
  private final List<byte[]> records = new ArrayList<>();
  private final List<String> damage = new ArrayList<>();
  private final ByteArrayOutputStream parts = new ByteArrayOutputStream();
  private boolean within;
  private boolean goesOn;
  private int at;

  private LevelDbLog(byte[] bytes) {
    this.bytes = bytes;
  }

  static Reading read(byte[] bytes) {
    var log = new LevelDbLog(bytes);
    log.readAll();
    return new Reading(List.copyOf(log.records), List.copyOf(log.damage), log.goesOn);
  }

  private void readAll() {
    while (at < bytes.length) {
      int left = Math.min(BLOCK - at % BLOCK, bytes.length - at);
      if (left < HEADER) {
        if (!zeros(at, at + left)) {
          damaged("these bytes should be zero");
        }
        at += left;
      } else if (zeros(at, at + HEADER) && zeros(at, bytes.length)) {
        at = bytes.length; // The tail that was never written.
      } else {
        record(at + left);
      }
    }
    if (within) {
      damaged("the last record is cut off");
    }
  }

  private void record(int blockEnd) {
    var header = Header.at(bytes, at);
    if (header.type() < FULL || header.type() > LAST) {
      skip(blockEnd, "there is no such kind of record");
    } else if (header.end() > blockEnd) {
      skip(blockEnd, "the record is cut off");
    } else if (!header.sound(bytes)) {
      skip(blockEnd, "the checksum differs");
    } else {
      fragment(header.type(), at + HEADER, header.end());
      at = header.end();
    }
  }

  /** What stands before a record. */
  private record Header(int at, int crc, int type, int end) {
    static Header at(byte[] bytes, int at) {
      var header = new Cursor(bytes, at, at + HEADER);
      int crc = header.int32();
      int length = header.octet() | header.octet() << 8;
      return new Header(at, crc, header.octet(), at + HEADER + length);
    }

    boolean sound(byte[] bytes) {
      return Crc.masked(Crc.of(bytes, at + HEADER - 1, end)) == crc;
    }
  }

  private void fragment(int type, int from, int end) {
    boolean begins = type == FULL || type == FIRST;
    if (begins && within) {
      damaged("the record before this one has no end");
    } else if (!begins && !within && damage.isEmpty()) {
      damaged("a record without a beginning");
    }
    if (begins) {
      parts.reset();
      within = true;
    }
    if (!within) {
      return; // The rest of a record whose beginning is damaged, and named already.
    }
    parts.write(bytes, from, end - from);
    if (type == FULL || type == LAST) {
      within = false;
      goesOn |= !damage.isEmpty();
      records.add(parts.toByteArray());
    }
  }

  /**
   * Goes on with the next thing in the block that is sound. LevelDB gives up the rest of the block: only the
   * record itself says where it ends.
   */
  private void skip(int blockEnd, String what) {
    damaged(what);
    within = false;
    at++;
    while (at + HEADER <= blockEnd && !begins(blockEnd)) {
      at++;
    }
    at = at + HEADER <= blockEnd ? at : blockEnd;
  }

  private boolean begins(int blockEnd) {
    var header = Header.at(bytes, at);
    return header.type() >= FULL && header.type() <= LAST && header.end() <= blockEnd
        && header.sound(bytes);
  }

  private void damaged(String what) {
    damage.add("byte " + at + ": " + what);
  }

  private boolean zeros(int from, int to) {
    for (int i = from; i < to; i++) {
      if (bytes[i] != 0) {
        return false;
      }
    }
    return true;
  }
}
