package dev.portcullis.harness.process;

import dev.portcullis.harness.ProcessIdentity;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kills a process with all it started. Three nets, because each has a hole: the group misses commands run
 * under {@code setsid}, the descendants miss those whose parent has died, the marker misses those that
 * emptied their environment. Belongs to one thread.
 */
final class HardStop {
  private static final Duration PAUSE = Duration.ofMillis(20);
  private static final int ROUNDS = 250;
  private static final Logger log = LoggerFactory.getLogger(HardStop.class);

  private final ProcessIdentity leader;
  private final Marker marker;
  private final Set<ProcessIdentity> seen = new HashSet<>();

  HardStop(ProcessIdentity leader, Marker marker) {
    this.leader = leader;
    this.marker = marker;
  }

  /** Remembers who hangs below the process now: once it is dead, nobody can tell. */
  void look() {
    // Asked for by pid, which may be somebody else's by now.
    ProcessHandle.of(leader.pid()).filter(_ -> ProcessTable.alive(leader)).ifPresent(handle ->
        handle.descendants().map(child -> ProcessTable.identity(child.pid())).forEach(seen::add));
    members().forEach(seen::add);
  }

  void signal(int signal) {
    if (members().findAny().isPresent()) {
      Signals.group(leader.pid(), signal);
    } else if (ProcessTable.alive(leader)) {
      Signals.process(leader.pid(), signal);
    }
  }

  /** Kills until nothing is left. */
  void run() throws InterruptedException {
    look();
    for (int round = 0; round < ROUNDS; round++) {
      var left = left();
      if (left.isEmpty()) {
        return;
      }
      signal(Signals.KILL);
      left.forEach(identity -> Signals.process(identity.pid(), Signals.KILL));
      Thread.sleep(PAUSE);
    }
    log.error("harness.processes_left pids={}", left().stream().map(ProcessIdentity::pid).toList());
  }

  private Set<ProcessIdentity> left() {
    var marked = ProcessTable.marked(marker.entry()::equals).stream().map(ProcessTable.Row::identity);
    var known = Stream.concat(Stream.of(leader), seen.stream()).filter(ProcessTable::alive);
    return Stream.of(marked, known, members()).flatMap(net -> net).collect(Collectors.toSet());
  }

  /** Running processes of the group. Its number is given to nobody else as long as one member lives. */
  private Stream<ProcessIdentity> members() {
    var reused = ProcessTable.find(leader.pid()).stream().anyMatch(row -> !row.identity().equals(leader));
    return reused
        ? Stream.empty()
        : ProcessTable.running(row -> row.group() == leader.pid()).stream().map(ProcessTable.Row::identity);
  }
}
