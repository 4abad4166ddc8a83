package dev.portcullis.harness.agent;

/**
 * A tool call as far as it is known; empty text where nothing was said.
 *
 * @param input what the tool is given, whole and in a canonical form
 */
public record ToolCall(String callId, String title, String kind, Status status, String input) {
  public enum Status { UNCHANGED, PENDING, IN_PROGRESS, COMPLETED, FAILED }

  /** The word for a kind that is not told. */
  static final String OTHER = "other";

  /** The same call with what {@code news} says over it. */
  ToolCall with(ToolCall news) {
    return new ToolCall(
        callId,
        news.title.isEmpty() ? title : news.title,
        news.kind.isEmpty() ? kind : news.kind,
        news.status == Status.UNCHANGED ? status : news.status,
        news.input.isEmpty() ? input : news.input);
  }

  /** What viewers read: never empty. */
  String shownTitle() {
    return title.isEmpty() ? callId : title;
  }

  /** Never empty. */
  String shownKind() {
    return kind.isEmpty() ? OTHER : kind;
  }
}
