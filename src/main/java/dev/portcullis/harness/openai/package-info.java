/**
 * OpenAI's two APIs, Chat Completions and Responses, and the many servers that speak the first. Entry point:
 * {@link dev.portcullis.harness.openai.OpenAiHarness}. Why without the vendor's library: docs/adr/0012.
 */
package dev.portcullis.harness.openai;
