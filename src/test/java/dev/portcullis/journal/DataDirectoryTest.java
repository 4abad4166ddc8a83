package dev.portcullis.journal;

import static dev.portcullis.journal.Samples.append;
import static dev.portcullis.journal.Samples.open;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.JournalFault.Code;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the journal does with its directory: who may use it, how much room is left, whose files they are. */
class DataDirectoryTest {

  @TempDir Path directory;

  @Test
  @Tag("INV-J8")
  void aSecondOneIsKeptOutUntilTheFirstIsClosed() {
    try (var journal = open(directory)) {
      append(journal, "session-1", 1);
      var fault = assertThrows(JournalFault.class, () -> open(directory));
      assertEquals(Code.LOCKED, fault.code());
      assertTrue(fault.code().retryable());
      assertTrue(fault.getMessage().contains(directory.resolve("lock").toString()), fault.getMessage());
    }
    open(directory).close();
  }

  @Test
  void aDirectoryThatCannotBeMadeIsNamed() throws Exception {
    var file = Files.createFile(directory.resolve("file"));
    var fault = assertThrows(JournalFault.class, () -> open(file.resolve("data")));
    assertEquals(Code.CANNOT_CREATE, fault.code());
    assertTrue(fault.getMessage().contains(file.resolve("data").toString()), fault.getMessage());
  }

  @Test
  void onlyTheOwnerMayReadTheFiles() throws Exception {
    var data = directory.resolve("data");
    var settings = new JournalSettings(data, JournalSettings.Implementation.AUTO, 4096);
    try (var journal = Journal.open(settings, Samples.noFault())) {
      append(journal, "session-1", 1);
    }
    Journal.open(settings, Samples.noFault()).close(); // Files of an earlier run are put right.
    for (var path : List.of(data, data.resolve("journal"))) {
      assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
    }
    for (var path : List.of(data.resolve("lock"), data.resolve("reserve"))) {
      assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
    }
  }

  @Test
  @Tag("INV-J5")
  void theReserveIsHeldUntilItIsReleased() throws Exception {
    var settings = new JournalSettings(directory, JournalSettings.Implementation.AUTO, 400_000);
    try (var journal = Journal.open(settings, Samples.noFault())) {
      assertEquals(100_000, Files.size(directory.resolve("reserve")));
      assertFalse(journal.lowSpace());
      journal.releaseReserve();
      journal.releaseReserve();
      assertFalse(Files.exists(directory.resolve("reserve")));
    }
  }

  @Test
  @Tag("INV-J5")
  void lessRoomThanTheWatermarkIsReported() {
    var settings = new JournalSettings(directory, JournalSettings.Implementation.AUTO, Long.MAX_VALUE);
    try (var journal = Journal.open(settings, Samples.noFault())) {
      assertTrue(journal.lowSpace());
    }
  }

  @Test
  void anotherFormatIsRefused() throws Exception {
    open(directory).close();
    var store = LevelDbRecovery.open(directory.resolve("journal"), JournalSettings.Implementation.AUTO);
    var newer = "portcullis-journal 2".getBytes(StandardCharsets.US_ASCII);
    store.write(List.of(new JournalStore.Change.Put(new StoreKey.Meta("format"), newer)));
    store.close();
    var fault = assertThrows(JournalFault.class, () -> open(directory));
    assertEquals(Code.FORMAT, fault.code());
    assertTrue(fault.getMessage().contains("portcullis-journal 2"), fault.getMessage());
  }

  @Test
  void somebodyElsesDatabaseIsRefused() throws Exception {
    var path = Files.createDirectories(directory.resolve("journal"));
    var store = LevelDbRecovery.open(path, JournalSettings.Implementation.AUTO);
    store.write(List.of(new JournalStore.Change.Put(new StoreKey.Meta("theirs"), new byte[1])));
    store.close();
    assertEquals(Code.FORMAT, assertThrows(JournalFault.class, () -> open(directory)).code());
  }
}
