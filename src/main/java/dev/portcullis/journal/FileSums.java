package dev.portcullis.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * Lengths and checksums of the files of a LevelDB directory, kept beside it: LevelDB's own checksums say
 * nothing of a file that is missing, an older one, or another store's, nor of the bytes that no block holds.
 *
 * @param mark whether the store was closed in order: then nothing may differ
 * @param identity the store's own name, chosen by chance when it was made
 */
record FileSums(Mark mark, String identity, SortedMap<String, Sum> files) {

  /** How the store was left. */
  enum Mark {
    /** Closed: every file is listed. */
    CLEAN,
    /** In use, or killed: files that never change again are listed, and may have been compacted away. */
    OPEN
  }

  record Sum(long bytes, int crc) {}

  /** What is known of the files beside which the list lies. */
  sealed interface Known {
    record Listed(FileSums sums) implements Known {}

    /** There is no list: an older version wrote the store, or it was restored without. */
    record None() implements Known {}

    /** There is one that is not what was written. */
    record Damaged() implements Known {}
  }

  private static final String TITLE = "portcullis-sums 1";
  private static final String UNKNOWN = "-";
  private static final int CHUNK = 1 << 16;

  FileSums {
    files = new TreeMap<>(files);
  }

  /** Vouches for nothing. */
  static FileSums none() {
    return new FileSums(Mark.OPEN, UNKNOWN, new TreeMap<>());
  }

  /** Whether a store of this name is not the one that the list was made for. */
  boolean isOfAnother(String name) {
    return !identity.equals(UNKNOWN) && !identity.equals(name);
  }

  static Known read(Path file) throws IOException {
    if (!Files.exists(file)) {
      return new Known.None();
    }
    var bytes = Files.readAllBytes(file);
    try {
      var sums = parse(new String(bytes, StandardCharsets.UTF_8).lines().toList());
      // What was read must be what would be written: so no byte of the file goes unnoticed.
      return Arrays.equals(sums.encode(), bytes) ? new Known.Listed(sums) : new Known.Damaged();
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      return new Known.Damaged();
    }
  }

  private static FileSums parse(List<String> lines) {
    var head = lines.get(1).split(" ", -1);
    var files = new TreeMap<String, Sum>();
    for (var line : lines.subList(2, lines.size() - 1)) {
      var parts = line.split(" ", -1);
      files.put(parts[0], new Sum(Long.parseLong(parts[1]), HexFormat.fromHexDigits(parts[2])));
    }
    return new FileSums(Mark.valueOf(head[0]), head[1], files);
  }

  private byte[] encode() {
    var text = new StringBuilder(TITLE + "\n" + mark + " " + identity + "\n");
    files.forEach((name, sum) -> text.append(name).append(' ').append(sum.bytes()).append(' ')
        .append(HexFormat.of().toHexDigits(sum.crc())).append('\n'));
    var body = text.toString().getBytes(StandardCharsets.UTF_8);
    text.append("crc32c ").append(HexFormat.of().toHexDigits(Crc.of(body, 0, body.length))).append('\n');
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** Replaces the list on the disk, whole or not at all. */
  void write(Path file) throws IOException {
    var fresh = file.resolveSibling(file.getFileName() + ".new");
    var options = List.of(
        StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
    try (var channel = FileChannel.open(fresh, options.toArray(StandardOpenOption[]::new))) {
      DataDirectory.mode(fresh, "rw-------");
      var bytes = ByteBuffer.wrap(encode());
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    LevelDbFiles.sync(file.toAbsolutePath().getParent());
  }

  /** The sums of these files; those that are gone meanwhile are left out. */
  static SortedMap<String, Sum> of(List<Path> files) throws IOException {
    var sums = new TreeMap<String, Sum>();
    for (var file : files) {
      try {
        sums.put(LevelDbFiles.name(file), of(file));
      } catch (NoSuchFileException compactedAway) {
        continue;
      }
    }
    return sums;
  }

  private static Sum of(Path file) throws IOException {
    var crc = new CRC32C();
    long bytes = 0;
    var buffer = ByteBuffer.allocate(CHUNK);
    try (var channel = FileChannel.open(file)) {
      while (channel.read(buffer.clear()) > 0) {
        bytes += buffer.position();
        crc.update(buffer.flip());
      }
    }
    return new Sum(bytes, (int) crc.getValue());
  }

  /** What the files of a directory differ in. Reads those that are listed. */
  List<JournalFinding> differences(LevelDbFiles directory) throws IOException {
    var found = new ArrayList<JournalFinding>();
    var there = new TreeMap<String, Path>();
    directory.data().forEach(file -> there.put(LevelDbFiles.name(file), file));
    for (var listed : files.entrySet()) {
      if (there.containsKey(listed.getKey())) {
        compare(listed, there.get(listed.getKey()), found);
      } else if (mark == Mark.CLEAN || listed.getKey().equals(LevelDbFiles.CURRENT)) {
        found.add(JournalFinding.file(JournalFinding.Kind.MISSING_FILE, listed.getKey(), "it was here"));
      }
    }
    if (mark == Mark.CLEAN) {
      there.keySet().stream().filter(name -> !files.containsKey(name)).forEach(name ->
          found.add(JournalFinding.file(JournalFinding.Kind.FOREIGN, name, "it was not here")));
    }
    return found;
  }

  private static void compare(Map.Entry<String, Sum> listed, Path file, List<JournalFinding> found)
      throws IOException {
    var name = listed.getKey();
    var expected = listed.getValue();
    Sum is;
    try {
      is = of(file);
    } catch (NoSuchFileException e) {
      throw e;
    } catch (IOException e) { // A sector that the disk cannot read.
      found.add(JournalFinding.file(JournalFinding.Kind.CHANGED_FILE, name, "it cannot be read: " + e));
      return;
    }
    if (!is.equals(expected)) {
      var what = is.bytes() == expected.bytes() ? "its contents differ"
          : "it has " + is.bytes() + " bytes instead of " + expected.bytes();
      found.add(JournalFinding.file(is.bytes() < expected.bytes()
          ? JournalFinding.Kind.SHORTER_FILE : JournalFinding.Kind.CHANGED_FILE, name, what));
    }
  }
}
