package dev.portcullis.protocol;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Objects;

/**
 * One message of a conversation. Journalled with the turn that it came with, so fields only grow.
 *
 * @param role system, user, assistant or tool
 * @param images of a user's message
 * @param calls of an assistant's message
 * @param callId of a tool's message: the call that it answers; empty for others
 */
public record Message(
    String role,
    String text,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) List<Image> images,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) List<FunctionCall> calls,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) String callId) {
  public Message {
    images = images == null ? List.of() : List.copyOf(images);
    calls = calls == null ? List.of() : List.copyOf(calls);
    callId = Objects.requireNonNullElse(callId, "");
  }

  public Message(String role, String text) {
    this(role, text, List.of(), List.of(), "");
  }

  public static Message user(String text, List<Image> images) {
    return new Message("user", text, images, List.of(), "");
  }

  public static Message assistant(String text, List<FunctionCall> calls) {
    return new Message("assistant", text, List.of(), calls, "");
  }

  public static Message of(FunctionResult result) {
    return new Message("tool", result.text(), List.of(), List.of(), result.callId());
  }

  /** Without the bytes of its images. */
  public Message told() {
    return images.isEmpty() ? this
        : new Message(role, text, images.stream().map(Image::told).toList(), calls, callId);
  }

  /** Whether it says nothing at all. */
  public boolean isEmpty() {
    return text.isBlank() && images.isEmpty() && calls.isEmpty() && callId.isEmpty();
  }
}
