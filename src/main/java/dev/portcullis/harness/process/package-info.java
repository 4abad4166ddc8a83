/**
 * Processes of agents: how they are started so that they die with us, how they are stopped so that nothing of
 * them is left, and how leftovers of an earlier life are found. Entry points: {@link
 * dev.portcullis.harness.process.ProcessLauncher} and {@link dev.portcullis.harness.process.Reaper}. Why:
 * docs/adr/0006.
 */
package dev.portcullis.harness.process;
