package dev.portcullis.harness.acp;

import dev.portcullis.harness.agent.ToolCall;

/** What an agent reports within a turn. */
sealed interface AcpUpdate {
  record Text(String text) implements AcpUpdate {}

  /** What is now known of one tool call; what is empty stays as it was. */
  record Tool(ToolCall call) implements AcpUpdate {}

  record Other(String kind) implements AcpUpdate {}
}
