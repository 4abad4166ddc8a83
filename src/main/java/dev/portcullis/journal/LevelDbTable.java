package dev.portcullis.journal;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Reads one table file of LevelDB without LevelDB: every block that is sound, whatever its neighbours are.
 * Only blocks that are not compressed, as we write them. Source: LevelDB, doc/table_format.md.
 */
final class LevelDbTable implements AutoCloseable {

  /** One version of one record; a higher sequence is newer. */
  record Entry(byte[] key, long sequence, boolean deleted, byte[] value) {}

  private record Handle(long offset, int size) {
    long end() {
      return offset + size + TRAILER;
    }
  }

  private record KeyValue(byte[] key, byte[] value) {}

  private record Footer(Handle meta, Handle index) {}

  private static final int TRAILER = 5;
  private static final int FOOTER = 48;
  private static final int MAGIC_BYTES = 8;
  private static final long MAGIC = 0xdb4775248b80fb57L;
  private static final int RESTART = 4;
  /** More than LevelDB takes ahead of what it writes. */
  private static final int MAX_TAIL = 4 << 20;

  private final FileChannel channel;
  private final long length;
  private final List<Handle> blocks;
  private final List<String> damage = new ArrayList<>();
  private int cachedBlock = -1;
  private List<Entry> cached = List.of();

  private LevelDbTable(FileChannel channel, long length) throws IOException {
    this.channel = channel;
    this.length = Math.min(length, channel.size());
    var footer = footer();
    var index = footer.flatMap(found -> block(found.index()));
    this.blocks = index.flatMap(LevelDbTable::handles).orElseGet(() -> search(footer));
    if (footer.isEmpty()) {
      damage.add("the footer is damaged");
    } else if (index.isEmpty()) {
      damage.add("the index block is damaged");
    }
    footer.ifPresent(this::checkLayout);
  }

  /** @param length what the table takes of the file */
  static LevelDbTable open(Path file, long length) throws IOException {
    var channel = FileChannel.open(file);
    try {
      return new LevelDbTable(channel, length);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Whether the file was written to its end: LevelDB writes the magic number last. */
  static boolean complete(Path file) throws IOException {
    try (var channel = FileChannel.open(file)) {
      if (channel.size() < FOOTER) {
        return false;
      }
      var magic = ByteBuffer.allocate(MAGIC_BYTES);
      channel.read(magic, channel.size() - MAGIC_BYTES);
      return new Cursor(magic.array()).int64() == MAGIC;
    }
  }

  /** Whether the file is longer, with nothing but zeros. */
  static boolean isZeroFrom(Path file, long from) throws IOException {
    try (var channel = FileChannel.open(file)) {
      var tail = ByteBuffer.allocate(Math.clamp(channel.size() - from, 0, MAX_TAIL));
      channel.read(tail, from);
      return tail.capacity() > 0 && channel.size() - from <= MAX_TAIL
          && tail.flip().mismatch(ByteBuffer.allocate(tail.limit())) < 0;
    }
  }

  /** What is wrong with it; every byte of the file is looked at. */
  List<String> damage() {
    var all = new ArrayList<>(damage);
    for (var handle : blocks) {
      if (block(handle).flatMap(LevelDbTable::entries).isEmpty()) {
        all.add("the block at byte " + handle.offset() + " is damaged");
      }
    }
    return all;
  }

  int blocks() {
    return blocks.size();
  }

  /** The entries of the n-th block, none when it is damaged. */
  List<Entry> entries(int block) {
    if (cachedBlock != block) {
      cached = block(blocks.get(block)).flatMap(LevelDbTable::entries).orElse(List.of());
      cachedBlock = block;
    }
    return cached;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private Optional<Footer> footer() {
    if (length < FOOTER) {
      return Optional.empty();
    }
    try {
      var cursor = new Cursor(read(length - FOOTER, FOOTER));
      var footer = new Footer(handle(cursor), handle(cursor));
      while (cursor.at() < FOOTER - MAGIC_BYTES) {
        if (cursor.octet() != 0) {
          return Optional.empty();
        }
      }
      return cursor.int64() == MAGIC ? Optional.of(footer) : Optional.empty();
    } catch (BufferUnderflowException e) {
      return Optional.empty();
    }
  }

  private static Handle handle(Cursor cursor) {
    long offset = cursor.varint();
    long size = cursor.varint();
    if (offset < 0 || size < 0 || size > Integer.MAX_VALUE - TRAILER) {
      throw new BufferUnderflowException();
    }
    return new Handle(offset, (int) size);
  }

  /** Data, meta index, index and footer lie end to end: no byte is nobody's. */
  private void checkLayout(Footer footer) {
    long end = 0;
    for (var block : blocks) {
      if (block.offset() != end) {
        damage.add("the index is wrong about byte " + end);
      }
      end = block.end();
    }
    boolean inOrder = footer.meta().offset() == end
        && footer.index().offset() == footer.meta().end()
        && footer.index().end() + FOOTER == length;
    if (!inOrder) {
      damage.add("the parts of the file do not lie end to end");
    }
    if (block(footer.meta()).isEmpty()) {
      damage.add("the meta index block is damaged");
    }
  }

  /** The contents of a block, when its checksum holds. */
  private Optional<byte[]> block(Handle handle) {
    if (handle.end() > length) {
      return Optional.empty();
    }
    var bytes = read(handle.offset(), handle.size() + TRAILER);
    int crc = new Cursor(bytes, handle.size() + 1, bytes.length).int32();
    boolean sound = Crc.masked(Crc.of(bytes, 0, handle.size() + 1)) == crc && bytes[handle.size()] == 0;
    return sound ? Optional.of(Arrays.copyOf(bytes, handle.size())) : Optional.empty();
  }

  private static Optional<List<Handle>> handles(byte[] block) {
    try {
      return Optional.of(
          keyValues(block).stream().map(entry -> handle(new Cursor(entry.value()))).toList());
    } catch (BufferUnderflowException e) {
      return Optional.empty();
    }
  }

  /** Without the index a block ends where its checksum says so. The first one without an entry is no data. */
  private List<Handle> search(Optional<Footer> footer) {
    long dataEnd = footer.map(found -> Math.min(found.meta().offset(), length)).orElse(length);
    var bytes = read(0, (int) Math.min(dataEnd, Integer.MAX_VALUE - TRAILER));
    var found = new ArrayList<Handle>();
    var crc = new CRC32C();
    int start = 0;
    for (int type = 0; type + TRAILER <= bytes.length; type++) {
      crc.update(bytes[type]);
      boolean ends = bytes[type] == 0
          && Crc.masked((int) crc.getValue()) == new Cursor(bytes, type + 1, type + TRAILER).int32();
      if (ends) {
        if (entries(Arrays.copyOfRange(bytes, start, type)).filter(some -> !some.isEmpty()).isEmpty()) {
          return found;
        }
        found.add(new Handle(start, type - start));
        start = type + TRAILER;
        type = start - 1;
        crc.reset();
      }
    }
    return found;
  }

  private static Optional<List<Entry>> entries(byte[] block) {
    try {
      var entries = new ArrayList<Entry>();
      for (var entry : keyValues(block)) {
        int keyLength = entry.key().length - Long.BYTES;
        long tag = new Cursor(entry.key(), keyLength, entry.key().length).int64();
        var key = Arrays.copyOf(entry.key(), keyLength);
        entries.add(new Entry(key, tag >>> 8, (tag & 0xff) == 0, entry.value()));
      }
      return Optional.of(entries);
    } catch (BufferUnderflowException | IndexOutOfBoundsException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static List<KeyValue> keyValues(byte[] block) {
    int restarts = new Cursor(block, Math.max(0, block.length - RESTART), block.length).int32();
    long end = block.length - RESTART * (restarts + 1L);
    if (restarts < 0 || end < 0) {
      throw new BufferUnderflowException();
    }
    var found = new ArrayList<KeyValue>();
    var cursor = new Cursor(block, 0, (int) end);
    var key = new byte[0];
    while (cursor.hasMore()) {
      int shared = (int) cursor.varint();
      long rest = cursor.varint();
      long valueBytes = cursor.varint();
      if (shared < 0 || shared > key.length) {
        throw new BufferUnderflowException();
      }
      var suffix = cursor.bytes(rest);
      key = Arrays.copyOf(key, shared + suffix.length);
      System.arraycopy(suffix, 0, key, shared, suffix.length);
      found.add(new KeyValue(key, cursor.bytes(valueBytes)));
    }
    return found;
  }

  private byte[] read(long from, int size) {
    var buffer = ByteBuffer.allocate(size);
    try {
      while (buffer.hasRemaining() && channel.read(buffer, from + buffer.position()) >= 0) {
        continue;
      }
    } catch (IOException e) { // A sector that the disk cannot read is zeros to us: the checksums tell.
      return new byte[size];
    }
    return buffer.array();
  }
}
