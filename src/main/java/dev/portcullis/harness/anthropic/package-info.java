/**
 * Anthropic's Messages API. Entry point: {@link dev.portcullis.harness.anthropic.AnthropicHarness}. Why
 * without the vendor's library: docs/adr/0012.
 */
package dev.portcullis.harness.anthropic;
