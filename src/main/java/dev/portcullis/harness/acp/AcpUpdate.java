package dev.portcullis.harness.acp;

import dev.portcullis.harness.agent.ToolCall;

/** What an agent reports within a turn. */
sealed interface AcpUpdate {
  record Text(String text) implements AcpUpdate {}

  /** What is now known of one tool call; what is empty stays as it was. */
  record Tool(ToolCall call) implements AcpUpdate {}

  /** What the session has cost so far. */
  record Cost(long micros) implements AcpUpdate {}

  /** Known, and nothing that a run keeps: plans, thoughts, titles, how full the context is. */
  record Aside() implements AcpUpdate {}

  record Other(String kind) implements AcpUpdate {}
}
