/**
 * The HTTP edge: {@link dev.portcullis.ingress.http.Router} does for every request what all have in common,
 * the {@code …Routes} say
 * what there is, and the {@code …Codec}s are the shapes on the wire.
 */
package dev.portcullis.ingress.http;
