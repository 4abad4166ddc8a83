package dev.portcullis.protocol;

/**
 * Why a run failed.
 *
 * @param code stable word: harness_failed, harness_unavailable, deadline_exceeded, …
 * @param message one sentence for the user
 * @param reference id that the operator's alert carries too; empty when there was none
 */
public record RunError(String code, String message, String reference) {}
