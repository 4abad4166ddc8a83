/**
 * The journal: the only truth after a crash. Entry points: {@link dev.portcullis.journal.Journal} (group
 * commit over a {@link dev.portcullis.journal.JournalStore}) and the Pekko plugins over it. Why:
 * docs/adr/0001.
 */
package dev.portcullis.journal;
