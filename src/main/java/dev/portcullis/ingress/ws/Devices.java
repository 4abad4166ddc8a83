package dev.portcullis.ingress.ws;

import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Register;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The devices that were let in. Read from memory, which holds what the register does; a change is durable
 * when its stage completes, and counts at once. Thread-safe.
 */
final class Devices {
  /** More would be a mistake, or somebody who makes keys. */
  static final int MOST = 1_000;

  private static final Logger LOG = LoggerFactory.getLogger(Devices.class);

  private final Register register;
  private final Set<String> unreadable = ConcurrentHashMap.newKeySet();
  private CompletableFuture<Void> loaded;
  private Map<String, Device> devices = Map.of();
  private long changes;

  Devices(Register register) {
    this.register = register;
    this.loaded = load().toCompletableFuture();
  }

  /** Reads again what other nodes may have changed. */
  CompletionStage<Void> load() {
    long before = changes();
    return register.all().thenAccept(entries -> {
      var read = new HashMap<String, Device>();
      entries.forEach((id, text) -> {
        try {
          read.put(id, Device.read(id, text));
        } catch (InputFault damaged) { // It must be let in again; nobody else is kept out for it.
          if (unreadable.add(id)) { // In a cluster it is read again each second.
            LOG.error("device.unreadable device={} cause={}", id, damaged.getMessage());
          }
        }
      });
      replace(before, read);
    });
  }

  private synchronized long changes() {
    return changes;
  }

  /** What was read while something changed here may lack the change; the next reading has it. */
  private synchronized void replace(long before, Map<String, Device> read) {
    if (changes == before) {
      devices = Map.copyOf(read);
    }
  }

  /** Completes when the register was read for the first time; tries again when it could not be. */
  synchronized CompletionStage<Void> loaded() {
    if (loaded.isCompletedExceptionally()) {
      loaded = load().toCompletableFuture();
    }
    return loaded;
  }

  synchronized Optional<Device> find(String id) {
    return Optional.ofNullable(devices.get(id));
  }

  synchronized List<Device> all() {
    return devices.values().stream().sorted(Comparator.comparingLong(Device::pairedAtMs)).toList();
  }

  /** The device as it is now; empty when there is no room for another one, and nothing was changed. */
  synchronized CompletionStage<Optional<Device>> add(Device device) {
    if (devices.size() >= MOST && !devices.containsKey(device.id())) {
      return CompletableFuture.completedFuture(Optional.empty());
    }
    var now = find(device.id()).map(device::succeeding).orElse(device);
    return put(now).thenApply(_ -> Optional.of(now));
  }

  /** The device as it is now; empty when there is none, and nothing was changed. */
  synchronized CompletionStage<Optional<Device>> change(String id, UnaryOperator<Device> change) {
    var found = find(id);
    if (found.isEmpty()) {
      return CompletableFuture.completedFuture(found);
    }
    var now = change.apply(found.get());
    return put(now).thenApply(_ -> Optional.of(now));
  }

  /** What was there. */
  synchronized CompletionStage<Optional<Device>> remove(String id) {
    var found = find(id);
    var rest = new HashMap<>(devices);
    rest.remove(id);
    devices = Map.copyOf(rest);
    changes++;
    return register.remove(id).thenApply(_ -> found);
  }

  /** Those of a principal that is no more: another of its name must not find them let in. */
  CompletionStage<Void> removeAllOf(String principal) {
    return CompletableFuture.allOf(all().stream()
        .filter(device -> device.principal().equals(principal))
        .map(device -> remove(device.id()).toCompletableFuture())
        .toArray(CompletableFuture<?>[]::new));
  }

  private CompletionStage<Void> put(Device device) {
    var more = new HashMap<>(devices);
    more.put(device.id(), device);
    devices = Map.copyOf(more);
    changes++;
    return register.put(device.id(), device.text());
  }
}
