package dev.portcullis.harness.process;

import dev.portcullis.harness.ProcessIdentity;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kills what earlier lives of this gateway left running: at boot, before any run is decided about, so that
 * two processes never work on one conversation.
 */
public final class Reaper {
  private static final int ROUNDS = 250;
  private static final long PAUSE_MILLIS = 20;
  private static final Logger log = LoggerFactory.getLogger(Reaper.class);

  private final String instance;
  private final long incarnation;

  /**
   * @param instance names the data directory: what other gateways started is left alone
   * @param incarnation the present life: what it started is left alone
   */
  public Reaper(String instance, long incarnation) {
    this.instance = instance;
    this.incarnation = incarnation;
  }

  /**
   * Kills every process that carries the marker of an earlier life, and everything below it. Blocks until
   * none is left, at most some seconds.
   *
   * @param recorded processes that the journal knows of; those that still are what was recorded are killed
   *     too
   * @return how many processes were killed
   */
  public int reap(Collection<ProcessIdentity> recorded) throws InterruptedException {
    var killed = new HashSet<ProcessIdentity>();
    var wanted = new HashSet<>(recorded);
    for (int round = 0; round < ROUNDS; round++) {
      var found = leftovers(wanted);
      if (found.isEmpty()) {
        break;
      }
      found.stream().filter(killed::add).forEach(identity ->
          log.info("harness.reaped pid={} start_time={}", identity.pid(), identity.startTime()));
      wanted.addAll(found);
      found.forEach(identity -> Signals.process(identity.pid(), Signals.KILL));
      Thread.sleep(PAUSE_MILLIS);
    }
    return killed.size();
  }

  private Set<ProcessIdentity> leftovers(Set<ProcessIdentity> wanted) {
    var marked = ProcessTable.marked(this::ofEarlierLife).stream().map(ProcessTable.Row::identity);
    var known = wanted.stream().filter(ProcessTable::alive);
    return Stream.concat(marked, known)
        .flatMap(identity -> Stream.concat(Stream.of(identity), below(identity)))
        .filter(identity -> identity.pid() != ProcessHandle.current().pid())
        .collect(Collectors.toSet());
  }

  private static Stream<ProcessIdentity> below(ProcessIdentity identity) {
    return ProcessHandle.of(identity.pid()).stream()
        .flatMap(ProcessHandle::descendants)
        .map(child -> ProcessTable.identity(child.pid()))
        .filter(ProcessTable::alive);
  }

  private boolean ofEarlierLife(String entry) {
    return entry.startsWith(Marker.entryPrefix(instance))
        && !entry.startsWith(Marker.entryPrefix(instance) + incarnation + ":");
  }
}
