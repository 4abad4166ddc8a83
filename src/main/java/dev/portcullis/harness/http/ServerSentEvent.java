package dev.portcullis.harness.http;

/**
 * One event of a stream.
 *
 * @param name of its {@code event} line, empty when there was none
 * @param data its {@code data} lines, with line feeds between
 */
public record ServerSentEvent(String name, String data) {}
