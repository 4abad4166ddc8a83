package dev.portcullis.harness.acp;

/** What an agent reports within a turn. */
sealed interface AcpUpdate {
  record Text(String text) implements AcpUpdate {}

  /**
   * What is now known of one tool call; what is empty stays as it was.
   *
   * @param input what the tool is given, as canonical JSON
   */
  record Tool(String callId, String title, String kind, Status status, String input) implements AcpUpdate {}

  record Other(String kind) implements AcpUpdate {}

  enum Status { UNCHANGED, PENDING, IN_PROGRESS, COMPLETED, FAILED }
}
