/**
 * Model servers over HTTP: one streamed call per attempt, retried while nothing of its answer was passed on.
 * Entry point: {@link dev.portcullis.harness.http.ModelHarness}; a {@link
 * dev.portcullis.harness.http.Dialect} says what one API looks like. Why without the vendors' libraries:
 * docs/adr/0012.
 */
package dev.portcullis.harness.http;
