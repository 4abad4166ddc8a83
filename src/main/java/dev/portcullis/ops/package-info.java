/**
 * What operators and probes look at: {@link dev.portcullis.ops.ManagementServer} serves {@link
 * dev.portcullis.ops.Readiness} and {@link dev.portcullis.ops.Metrics} on a port of its own, from the first
 * moment.
 */
package dev.portcullis.ops;
