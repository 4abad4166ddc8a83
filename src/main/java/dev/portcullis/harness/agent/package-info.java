/**
 * What agents that run as a program of ours have in common: processes kept warm, one per conversation, and
 * attempts that open a session in one, run a turn and end it, whatever the agent does. A protocol is one
 * {@link dev.portcullis.harness.agent.AgentConnection}. Entry point: {@link
 * dev.portcullis.harness.agent.AgentHarness}. Why: docs/adr/0006.
 */
package dev.portcullis.harness.agent;
