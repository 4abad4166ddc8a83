/**
 * Several nodes over one store: what Pekko is told of it, who is a member, and what wakes the sessions of a
 * node that is gone. Entry point: {@link dev.portcullis.cluster.Membership}. Why: docs/adr/0010.
 */
package dev.portcullis.cluster;
