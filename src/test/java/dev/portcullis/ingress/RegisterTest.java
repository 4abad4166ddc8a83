package dev.portcullis.ingress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What survives beside sessions, in the journal's own index. */
class RegisterTest {
  @TempDir Path directory;

  private Journal open() {
    return Journal.open(
        new JournalSettings(directory.resolve("d"), JournalSettings.Implementation.AUTO, 1), fault -> {
          throw fault;
        });
  }

  @Test
  void whatWasPutIsThereInTheNextLifeAndWhatWasRemovedIsNot() {
    try (var journal = open()) {
      var register = Register.of(journal, "device", Runnable::run);
      register.put("a", "one").toCompletableFuture().join();
      register.put("b", "two").toCompletableFuture().join();
      register.put("a", "three").toCompletableFuture().join();
      register.remove("b").toCompletableFuture().join();
    }
    try (var journal = open()) {
      journal.verify();
      assertEquals(Map.of("a", "three"),
          Register.of(journal, "device", Runnable::run).all().toCompletableFuture().join());
    }
  }

  @Test
  @Tag("SEC-18")
  void nobodyElseMayReadIt() throws IOException {
    try (var journal = open()) {
      Register.of(journal, "device", Runnable::run).put("a", "one").toCompletableFuture().join();
      var others = EnumSet.complementOf(EnumSet.of(
          PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE, PosixFilePermission.OWNER_EXECUTE));
      var modes = Files.getPosixFilePermissions(directory.resolve("d"));

      assertFalse(modes.stream().anyMatch(others::contains), modes.toString());
      assertTrue(modes.contains(PosixFilePermission.OWNER_READ));
    }
  }
}
