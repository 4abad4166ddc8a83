package dev.portcullis.protocol;

/**
 * Something that must hold before work is taken, and does not.
 *
 * @param condition stable word: harness, journal, boot, drain, …
 * @param detail one sentence for the operator; no secret, no session name
 */
public record Unmet(String condition, String detail) {}
