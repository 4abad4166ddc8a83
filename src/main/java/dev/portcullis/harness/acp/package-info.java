/**
 * Agents that speak the Agent Client Protocol, version 1, over their standard streams. Entry point: {@link
 * dev.portcullis.harness.acp.AcpHarness}. One process per conversation, kept warm between its turns.
 */
package dev.portcullis.harness.acp;
