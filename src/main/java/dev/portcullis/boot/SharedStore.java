package dev.portcullis.boot;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.journal.JournalSettings;
import java.time.Duration;

/** The settings of a journal in a database, in the journal's own words. */
final class SharedStore {
  private SharedStore() {}

  /**
   * @param node the name under which others may retire this process
   * @param instance names the data directory for ever
   * @param openWithin longest time to wait for the database
   */
  static JournalSettings.Postgres settings(
      GatewayConfig.Postgresql store, String node, String instance, Duration openWithin) {
    return new JournalSettings.Postgres(
        store.url(), store.user(), store.password(), store.pool(), store.schema(), store.createSchema(),
        node, instance, store.outage(), openWithin);
  }
}
