package dev.portcullis.protocol;

/**
 * A model wants a function of the client's to be called.
 *
 * @param id the model's, which the result names
 * @param arguments JSON as the model has written it: nobody has checked it
 */
public record FunctionCall(String id, String name, String arguments) {}
