/**
 * Codex, spoken with through {@code codex app-server}. Entry point: {@link
 * dev.portcullis.harness.codex.CodexHarness}.
 */
package dev.portcullis.harness.codex;
