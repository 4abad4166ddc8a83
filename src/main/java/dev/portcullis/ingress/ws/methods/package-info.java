/**
 * What the gateway protocol's clients can ask and are told: {@link
 * dev.portcullis.ingress.ws.methods.ProtocolMethods} is every method, {@link
 * dev.portcullis.ingress.ws.methods.Feed} tells the events of every run and session, each translated once.
 */
package dev.portcullis.ingress.ws.methods;
