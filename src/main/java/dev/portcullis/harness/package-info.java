/**
 * The harness port: an agent runtime we drive. One {@link dev.portcullis.harness.HarnessActor} per declared
 * harness keeps it registered; {@link dev.portcullis.harness.Harnesses} is the one registry that readiness
 * and dispatch both read. The adapters lie below, one subpackage per peer.
 */
package dev.portcullis.harness;
