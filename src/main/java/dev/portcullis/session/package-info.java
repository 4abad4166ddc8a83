/**
 * A durable conversation: {@link dev.portcullis.session.Session}, the single writer, and {@link
 * dev.portcullis.session.Directory}, the read side that lists are served from. {@link
 * dev.portcullis.session.Sessions} is the way in from outside. Why: docs/adr/0003, 0004, 0005.
 */
package dev.portcullis.session;
