package dev.portcullis.journal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The files of a LevelDB directory, and what lies beside it under names of our own. LevelDB's own text files
 * {@code LOG} and {@code LOG.old} and its empty {@code LOCK} hold no data and do not count.
 */
record LevelDbFiles(Path directory) {

  static final String CURRENT = "CURRENT";
  private static final Pattern DATA = Pattern.compile("CURRENT|MANIFEST-\\d+|\\d+\\.(log|sst|ldb)");

  /** Everything that holds data, by name. */
  List<Path> data() throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (var files = Files.list(directory)) {
      return files.filter(file -> DATA.matcher(name(file)).matches()).sorted().toList();
    }
  }

  List<Path> tables() throws IOException {
    return data().stream().filter(LevelDbFiles::isTable).toList();
  }

  List<Path> logs() throws IOException {
    return data().stream()
        .filter(file -> name(file).endsWith(".log"))
        .sorted(Comparator.comparingLong(LevelDbFiles::number))
        .toList();
  }

  /** Whether there is nothing yet, or what a kill within the very first start leaves. */
  boolean isFresh() throws IOException {
    return data().stream().allMatch(file -> name(file).startsWith("MANIFEST"));
  }

  /** How long they are, by kind; those that come and go meanwhile count as nothing. */
  Map<String, Long> bytes() {
    var sizes = new TreeMap<String, Long>();
    try {
      for (var file : data()) {
        var kind = isTable(file) ? "tables" : name(file).endsWith(".log") ? "logs" : "manifests";
        sizes.merge(kind, file.toFile().length(), Long::sum);
      }
    } catch (IOException e) {
      throw JournalFault.io(directory.toString(), "reading", e);
    }
    return sizes;
  }

  static boolean isTable(Path file) {
    return name(file).endsWith(".ldb") || name(file).endsWith(".sst");
  }

  static String name(Path file) {
    return file.getFileName().toString();
  }

  /** The number in the name of a table or a log. */
  static long number(Path file) {
    return Long.parseLong(name(file).replaceFirst("\\..*", ""));
  }

  /** The list of checksums. */
  Path sums() {
    return directory.resolveSibling("journal.sums");
  }

  /** The number of the newest batch that was acknowledged, while the store is open. */
  Path acked() {
    return directory.resolveSibling("journal.acked");
  }

  /** A copy that is being made; worth nothing after a kill. */
  Path trial() {
    return directory.resolveSibling("journal.trial");
  }

  /** A copy that is whole and about to take the place of the original. */
  Path recovered() {
    return directory.resolveSibling("journal.recovered");
  }

  /** Puts the whole copy {@link #trial()} in place of the original; a kill leaves one of both. */
  Path replace() throws IOException {
    int n = 1;
    while (Files.exists(directory.resolveSibling("journal.damaged-" + n))) {
      n++;
    }
    var aside = directory.resolveSibling("journal.damaged-" + n);
    Files.move(trial(), recovered(), StandardCopyOption.ATOMIC_MOVE);
    Files.move(directory, aside, StandardCopyOption.ATOMIC_MOVE);
    Files.move(recovered(), directory, StandardCopyOption.ATOMIC_MOVE);
    sync(directory.toAbsolutePath().getParent());
    return aside;
  }

  /** A kill within {@link #replace} leaves no data under the name; the next start must not find it empty. */
  void finishInterrupted() throws IOException {
    delete(trial());
    if (Files.exists(recovered().resolve(CURRENT))) {
      if (data().isEmpty()) {
        delete(directory);
        Files.move(recovered(), directory, StandardCopyOption.ATOMIC_MOVE);
      } else {
        delete(recovered());
      }
    }
  }

  static void sync(Path path) throws IOException {
    try (var channel = FileChannel.open(path)) {
      channel.force(true);
    }
  }

  static void delete(Path path) throws IOException {
    if (Files.exists(path)) {
      try (var tree = Files.walk(path)) {
        for (var each : tree.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(each);
        }
      }
    }
  }
}
