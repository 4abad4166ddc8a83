/**
 * The gateway protocol, version 4, over WebSocket: {@link dev.portcullis.ingress.ws.Method} is what can be
 * asked, {@link dev.portcullis.ingress.ws.Broadcast} what is told to everyone who may hear it, {@link
 * dev.portcullis.ingress.ws.Peer} who asks and hears.
 */
package dev.portcullis.ingress.ws;
