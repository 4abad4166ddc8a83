package dev.portcullis.protocol;

/**
 * A function of the client's that a model may want to be called.
 *
 * @param description empty when there is none
 * @param parameters JSON schema of its arguments as text, empty when it takes none
 * @param strict whether the arguments must follow the schema exactly
 */
public record FunctionTool(String name, String description, String parameters, boolean strict) {}
