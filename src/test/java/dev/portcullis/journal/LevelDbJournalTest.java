package dev.portcullis.journal;

/** The contract over LevelDB. */
class LevelDbJournalTest extends JournalContract {

  @Override
  JournalSettings settings() {
    return Samples.settings(directory);
  }
}
