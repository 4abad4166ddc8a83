/**
 * One turn on a harness: {@link dev.portcullis.run.RunTable} says what may follow what, {@link
 * dev.portcullis.run.Run} is one attempt, a child of its session. Why: docs/adr/0004.
 */
package dev.portcullis.run;
