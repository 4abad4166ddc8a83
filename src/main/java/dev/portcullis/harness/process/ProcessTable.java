package dev.portcullis.harness.process;

import dev.portcullis.harness.ProcessIdentity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * The kernel's list of processes, read from {@code /proc}. A process may vanish between two looks, so every
 * look answers "not there" instead of failing. Where there is no {@code /proc}, the list is empty.
 */
final class ProcessTable {
  private static final Path PROC = Path.of("/proc");
  /** Fields of {@code stat} behind the command name, whose last bracket ends what may hold spaces. */
  private static final int STATE = 0;
  private static final int PARENT = 1;
  private static final int GROUP = 2;
  private static final int START_TIME = 19;
  private static final String BOOT_ID = text(PROC.resolve("sys/kernel/random/boot_id")).strip();

  /** One process. {@code group} is its process group, {@code dead} says that it only waits to be reaped. */
  record Row(ProcessIdentity identity, long parent, long group, boolean dead) {
    long pid() {
      return identity.pid();
    }
  }

  private ProcessTable() {}

  /** The process with this id, as a list of one or none. */
  static List<Row> find(long pid) {
    var stat = text(PROC.resolve(Long.toString(pid)).resolve("stat"));
    var end = stat.lastIndexOf(')');
    if (end < 0) {
      return List.of();
    }
    var fields = stat.substring(end + 2).split(" ");
    var identity = new ProcessIdentity(BOOT_ID, pid, Long.parseLong(fields[START_TIME]));
    var dead = "ZX".contains(fields[STATE]);
    return List.of(new Row(identity, Long.parseLong(fields[PARENT]), Long.parseLong(fields[GROUP]), dead));
  }

  /** Names a process; where the kernel does not tell, its start time is 0. */
  static ProcessIdentity identity(long pid) {
    return find(pid).stream().map(Row::identity).findFirst().orElse(new ProcessIdentity(BOOT_ID, pid, 0));
  }

  /** Whether it is still that process and runs: one that only waits to be reaped does not. */
  static boolean alive(ProcessIdentity identity) {
    return find(identity.pid()).stream().anyMatch(row -> row.identity().equals(identity) && !row.dead());
  }

  /** Every running process that fits. */
  static List<Row> running(Predicate<Row> fits) {
    var rows = new ArrayList<Row>();
    for (var pid : pids()) {
      find(pid).stream().filter(row -> !row.dead() && fits.test(row)).forEach(rows::add);
    }
    return rows;
  }

  /**
   * Every running process whose environment has an entry that fits; those we may not look into are passed
   * over.
   */
  static List<Row> marked(Predicate<String> entry) {
    return running(row -> environment(row.pid()).stream().anyMatch(entry));
  }

  /** The environment that a process was started with. */
  static List<String> environment(long pid) {
    return List.of(text(PROC.resolve(Long.toString(pid)).resolve("environ")).split("\0"));
  }

  private static List<Long> pids() {
    var pids = new ArrayList<Long>();
    if (!Files.isDirectory(PROC)) {
      return pids;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(PROC, "[0-9]*")) {
      entries.forEach(entry -> pids.add(Long.parseLong(entry.getFileName().toString())));
    } catch (IOException e) {
      return List.of(); // Without a list there is nobody to find.
    }
    return pids;
  }

  private static String text(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return ""; // Gone, or not ours to read.
    }
  }
}
