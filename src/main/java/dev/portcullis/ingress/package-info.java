/**
 * The edge, for every transport: who asks ({@link dev.portcullis.ingress.Credentials}), whether they may
 * ({@link dev.portcullis.ingress.Operation}), and what a refusal or a fault looks like from outside ({@link
 * dev.portcullis.ingress.Problems}). The transports lie below; {@link dev.portcullis.ingress.Edge} is what
 * they need.
 */
package dev.portcullis.ingress;
