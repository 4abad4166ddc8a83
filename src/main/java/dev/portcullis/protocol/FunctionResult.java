package dev.portcullis.protocol;

/**
 * What a client's function gave back.
 *
 * @param callId of the {@link FunctionCall} that it answers
 */
public record FunctionResult(String callId, String text) {}
