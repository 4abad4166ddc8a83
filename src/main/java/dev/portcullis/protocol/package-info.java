/**
 * What the outside sees: runs, their events, session rows. Values only, no I/O. The JSON shapes are these
 * records' fields and are part of the contract.
 */
package dev.portcullis.protocol;
