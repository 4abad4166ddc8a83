package dev.portcullis.journal;

/** The contract of a snapshot store over LevelDB. */
class LevelDbSnapshotTest extends SnapshotContract {

  @Override
  JournalSettings settings() {
    return Samples.settings(directory);
  }
}
