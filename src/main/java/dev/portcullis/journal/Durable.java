package dev.portcullis.journal;

/**
 * Marks everything that is written to disk: events and states. Bound to {@link DurableSerializer} in
 * {@code reference.conf}; each class needs a line in {@link EventTypes}.
 */
public interface Durable {}
