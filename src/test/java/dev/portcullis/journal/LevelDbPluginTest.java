package dev.portcullis.journal;

/** The contract of a journal plugin over LevelDB. */
class LevelDbPluginTest extends PluginContract {

  @Override
  JournalSettings settings() {
    return Samples.settings(directory);
  }
}
