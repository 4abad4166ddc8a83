/**
 * Claude Code as its maker ships it, spoken with in its own lines of JSON: one process per conversation,
 * which is one session of it. Entry point: {@link dev.portcullis.harness.claude.ClaudeHarness}. Why:
 * docs/adr/0006.
 */
package dev.portcullis.harness.claude;
