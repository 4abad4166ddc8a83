package dev.portcullis.session;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The sessions of this node that have an attempt under way, as each of them says itself: what a stop of this
 * node must bring to rest. Other nodes' sessions are none of its business. Thread-safe.
 */
public final class Underway {
  private final Set<String> entities = ConcurrentHashMap.newKeySet();

  void began(String entityId) {
    entities.add(entityId);
  }

  void over(String entityId) {
    entities.remove(entityId);
  }

  /** Entity ids, as they are now. */
  public Set<String> entities() {
    return Set.copyOf(entities);
  }
}
