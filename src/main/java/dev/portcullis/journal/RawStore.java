package dev.portcullis.journal;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiPredicate;

/**
 * Reads a LevelDB directory without LevelDB, and without touching it: whatever is sound, with what is damaged
 * left out and named. LevelDB itself gives up at the first damaged block, and writes when it opens.
 */
final class RawStore implements JournalStore {

  private static final int PUT = 1;

  private final Path directory;
  private final List<Table> tables = new ArrayList<>();
  private final NavigableMap<byte[], LevelDbTable.Entry> newest = new TreeMap<>(Arrays::compareUnsigned);
  private final List<JournalFinding> findings = new ArrayList<>();

  private record Table(Path file, LevelDbTable table, byte[] first, byte[] last) {
    boolean meets(LevelDbKeys.Bounds bounds) {
      return Arrays.compareUnsigned(first, bounds.end()) < 0
          && Arrays.compareUnsigned(last, bounds.first()) >= 0;
    }
  }

  private RawStore(Path directory) {
    this.directory = directory;
  }

  /** @throws IOException when even the names of the files cannot be read */
  static RawStore open(Path directory) throws IOException {
    var store = new RawStore(directory);
    try {
      store.load();
      return store;
    } catch (IOException | RuntimeException e) {
      store.close();
      throw e;
    }
  }

  /**
   * What is wrong with files, blocks and records of the log; with no word on histories.
   *
   * @param proven tables that need not be read
   */
  List<JournalFinding> findings(Set<String> proven) {
    var all = new ArrayList<>(findings);
    for (var table : tables) {
      if (!proven.contains(LevelDbFiles.name(table.file()))) {
        table.table().damage().forEach(what -> all.add(changed(table.file(), what)));
      }
    }
    return all;
  }

  private void load() throws IOException {
    var files = new LevelDbFiles(directory);
    var manifest = manifest(files);
    for (var file : files.tables()) {
      long number = LevelDbFiles.number(file);
      if (manifest.isEmpty()) {
        if (LevelDbTable.complete(file)) {
          add(file, Files.size(file));
        }
      } else if (manifest.get().tables().containsKey(number)) {
        long bytes = manifest.get().tables().get(number);
        checkLength(file, bytes);
        add(file, bytes);
        manifest.get().tables().remove(number);
      } // Else it was compacted into others, or never finished.
    }
    manifest.ifPresent(known -> known.tables().keySet().forEach(number -> findings.add(
        JournalFinding.file(JournalFinding.Kind.MISSING_FILE, "table " + number, "the manifest names it"))));
    long firstLog = manifest.map(LevelDbManifest::firstLog).orElse(0L);
    var logs = files.logs().stream().filter(log -> LevelDbFiles.number(log) >= firstLog).toList();
    if (firstLog > 0 && logs.stream().noneMatch(log -> LevelDbFiles.number(log) == firstLog)) {
      var what = "the manifest names it";
      findings.add(JournalFinding.file(JournalFinding.Kind.MISSING_FILE, "log " + firstLog, what));
    }
    var readings = new ArrayList<LevelDbLog.Reading>();
    for (var log : logs) {
      readings.add(LevelDbLog.read(Files.readAllBytes(log)));
    }
    for (int i = 0; i < logs.size(); i++) {
      var later = readings.subList(i + 1, readings.size());
      replay(logs.get(i), readings.get(i), later.stream().allMatch(next -> next.records().isEmpty()));
    }
  }

  private Optional<LevelDbManifest> manifest(LevelDbFiles files) throws IOException {
    var current = directory.resolve(LevelDbFiles.CURRENT);
    if (!Files.exists(current)) {
      if (!files.isFresh()) {
        findings.add(JournalFinding.file(
            JournalFinding.Kind.MISSING_FILE, LevelDbFiles.CURRENT, "there is data without it"));
      }
      return Optional.empty();
    }
    var name = new String(Files.readAllBytes(current), StandardCharsets.ISO_8859_1);
    if (!name.matches("MANIFEST-\\d+\n")) {
      findings.add(changed(current, "it names no manifest"));
      return Optional.empty();
    }
    var file = directory.resolve(name.strip());
    if (!Files.exists(file)) {
      findings.add(JournalFinding.file(
          JournalFinding.Kind.MISSING_FILE, LevelDbFiles.name(file), "CURRENT names it"));
      return Optional.empty();
    }
    var reading = LevelDbLog.read(Files.readAllBytes(file));
    var manifest = Optional.of(reading)
        .filter(LevelDbLog.Reading::sound)
        .flatMap(sound -> LevelDbManifest.of(sound.records()));
    if (manifest.isEmpty()) {
      var what = reading.sound() ? "an edit cannot be read" : reading.damage().getFirst();
      findings.add(changed(file, what));
    }
    return manifest;
  }

  private void checkLength(Path file, long bytes) throws IOException {
    // A lost power supply can leave the room that LevelDB had taken and not yet given back.
    if (Files.size(file) != bytes && !LevelDbTable.isZeroFrom(file, bytes)) {
      findings.add(JournalFinding.file(
          Files.size(file) < bytes ? JournalFinding.Kind.SHORTER_FILE : JournalFinding.Kind.CHANGED_FILE,
          LevelDbFiles.name(file), "it has " + Files.size(file) + " bytes instead of " + bytes));
    }
  }

  private void add(Path file, long bytes) throws IOException {
    var table = LevelDbTable.open(file, bytes);
    var first = new byte[0];
    var last = new byte[] {(byte) 0xff}; // Above every key: damaged blocks must not narrow the range.
    if (table.blocks() > 0) {
      first = table.entries(0).isEmpty() ? first : table.entries(0).getFirst().key();
      var end = table.entries(table.blocks() - 1);
      last = end.isEmpty() ? last : end.getLast().key();
    }
    tables.add(new Table(file, table, first, last));
  }

  private void replay(Path log, LevelDbLog.Reading reading, boolean last) {
    if (!reading.sound()) {
      var kind = last && !reading.goesOn() ? JournalFinding.Kind.TORN_TAIL : JournalFinding.Kind.HOLE;
      findings.add(JournalFinding.file(kind, LevelDbFiles.name(log), String.join("; ", reading.damage())));
    }
    for (var record : reading.records()) {
      try {
        replay(new Cursor(record));
      } catch (BufferUnderflowException e) {
        findings.add(changed(log, "a batch cannot be read"));
      }
    }
  }

  private void replay(Cursor batch) {
    long sequence = batch.int64();
    for (int left = batch.int32(); left > 0; left--) {
      boolean put = batch.octet() == PUT;
      var key = batch.sized();
      var entry = new LevelDbTable.Entry(key, sequence++, !put, put ? batch.sized() : new byte[0]);
      newest.merge(key, entry, (one, other) -> one.sequence() > other.sequence() ? one : other);
    }
  }

  private static JournalFinding changed(Path file, String what) {
    return JournalFinding.file(JournalFinding.Kind.CHANGED_FILE, LevelDbFiles.name(file), what);
  }

  @Override
  public String name() {
    return directory.toString();
  }

  @Override
  public boolean shared() {
    return false;
  }

  @Override
  public boolean isEmpty() {
    var empty = new boolean[] {true};
    raw(LevelDbKeys.everything(), (_, _) -> empty[0] = false);
    return empty[0];
  }

  @Override
  public void write(List<Change> batch) {
    throw new UnsupportedOperationException("a raw store is only read");
  }

  @Override
  public Optional<byte[]> get(StoreKey key) {
    return raw(LevelDbKeys.encode(key));
  }

  @Override
  public void scan(Range range, Visitor visitor) {
    raw(LevelDbKeys.bounds(range), (key, value) -> visitor.visit(LevelDbKeys.decode(key), value));
  }

  /** The number of the newest batch, as the store says it; 0 when it says nothing. */
  long batches() {
    return raw(LevelDbKeys.lastBatch()).map(value -> ByteBuffer.wrap(value).getLong()).orElse(0L);
  }

  /** The name the store was given when it was made. */
  Optional<String> identity() {
    return raw(LevelDbKeys.identity()).map(value -> new String(value, StandardCharsets.UTF_8));
  }

  /** How many of the newest batches are missing before the last one. */
  long missingBatches() {
    var marks = new Marks(batches());
    raw(LevelDbKeys.marks(), (_, value) -> {
      marks.found(value);
      return true;
    });
    return marks.missing();
  }

  @Override
  public void check() {
    if (missingBatches() != 0) {
      throw JournalFault.corruptStore(name(), missingBatches() + " batches are missing");
    }
  }

  private Optional<byte[]> raw(byte[] key) {
    var found = new ArrayList<byte[]>();
    raw(LevelDbKeys.only(key), (_, value) -> found.add(value));
    return found.stream().findFirst();
  }

  /** Everything within the bounds in order of the key, each in its newest version. */
  void raw(LevelDbKeys.Bounds bounds, BiPredicate<byte[], byte[]> visitor) {
    var next = new PriorityQueue<Source>(Comparator.naturalOrder());
    Source.of(newest.subMap(bounds.first(), bounds.end()).values().iterator()).ifPresent(next::add);
    tables.stream()
        .filter(table -> table.meets(bounds))
        .map(table -> Source.of(new Walk(table.table(), bounds)))
        .flatMap(Optional::stream)
        .forEach(next::add);
    var last = new byte[0];
    while (!next.isEmpty()) {
      var source = next.poll();
      var entry = source.entry();
      source.following().ifPresent(next::add);
      if (!Arrays.equals(entry.key(), last)) {
        last = entry.key();
        if (!entry.deleted() && !visitor.test(entry.key(), entry.value())) {
          return;
        }
      }
    }
  }

  /** Entries that are sorted, and the first of them. Of two equal keys the newer comes first. */
  private record Source(LevelDbTable.Entry entry, Iterator<LevelDbTable.Entry> rest)
      implements Comparable<Source> {
    static Optional<Source> of(Iterator<LevelDbTable.Entry> entries) {
      return entries.hasNext() ? Optional.of(new Source(entries.next(), entries)) : Optional.empty();
    }

    Optional<Source> following() {
      return of(rest);
    }

    @Override
    public int compareTo(Source other) {
      int byKey = Arrays.compareUnsigned(entry.key(), other.entry.key());
      return byKey != 0 ? byKey : Long.compare(other.entry.sequence(), entry.sequence());
    }
  }

  /** The entries of one table within bounds. Damaged blocks have none. */
  private static final class Walk implements Iterator<LevelDbTable.Entry> {
    private final LevelDbTable table;
    private final LevelDbKeys.Bounds bounds;
    private int block;
    private int at;

    Walk(LevelDbTable table, LevelDbKeys.Bounds bounds) {
      this.table = table;
      this.bounds = bounds;
      this.block = firstBlock();
      while (hasNext() && Arrays.compareUnsigned(peek().key(), bounds.first()) < 0) {
        at++;
      }
    }

    /** The last block that begins before the bounds do; blocks that cannot be read are gone through. */
    private int firstBlock() {
      int low = 0;
      int high = table.blocks() - 1;
      while (low < high) {
        int middle = (low + high + 1) >>> 1;
        var entries = table.entries(middle);
        if (entries.isEmpty()) {
          return low;
        }
        if (Arrays.compareUnsigned(entries.getFirst().key(), bounds.first()) < 0) {
          low = middle;
        } else {
          high = middle - 1;
        }
      }
      return low;
    }

    @Override
    public boolean hasNext() {
      while (block < table.blocks() && at >= table.entries(block).size()) {
        block++;
        at = 0;
      }
      return block < table.blocks() && Arrays.compareUnsigned(peek().key(), bounds.end()) < 0;
    }

    private LevelDbTable.Entry peek() {
      return table.entries(block).get(at);
    }

    @Override
    public LevelDbTable.Entry next() {
      return table.entries(block).get(at++);
    }
  }

  @Override
  public void close() {
    for (var table : tables) {
      try {
        table.table().close();
      } catch (IOException e) {
        throw JournalFault.io(name(), "closing", e);
      }
    }
  }

  @Override
  public Map<String, Long> bytes() {
    return new LevelDbFiles(directory).bytes();
  }
}
