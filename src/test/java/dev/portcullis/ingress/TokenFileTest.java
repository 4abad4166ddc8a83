package dev.portcullis.ingress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.config.ConfigFault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenFileTest {
  @TempDir Path parent;
  private final SecureRandom random = new SecureRandom();

  @Test
  void theFirstStartMakesATokenThatOnlyItsOwnerCanRead() throws IOException {
    var data = parent.resolve("data");
    var token = TokenFile.open(data, random);
    assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(data)));
    assertEquals("rw-------",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(data.resolve("token"))));
    assertTrue(token.reveal().matches("[0-9a-f]{64}"));
    assertEquals(token.reveal() + "\n", Files.readString(data.resolve("token")));
    assertEquals(token.reveal(), TokenFile.open(data, random).reveal());
    assertFalse(token.toString().contains(token.reveal()));
  }

  @Test
  void aStartThatWasKilledWhileWritingLeavesNoHalfToken() throws IOException {
    Files.writeString(parent.resolve("token.new"), "half");
    assertEquals(64, TokenFile.open(parent, random).reveal().length());
    assertFalse(Files.exists(parent.resolve("token.new")));
  }

  @Tag("SEC-08")
  @Test
  void aTokenThatOthersCanReadOrThatIsNoneIsRefused() throws IOException {
    var file = parent.resolve("token");
    TokenFile.open(parent, random);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    assertThrows(ConfigFault.class, () -> TokenFile.open(parent, random));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    for (var text : new String[] {"", "  \n", "short",
        "with blanks in it, which no header could hold as one",
        "0123456789abcdef0123456789abcdef", "${PORTCULLIS_TOKEN_THAT_NOBODY_HAS_EVER_RESOLVED_TO_ANYTHING}"}) {
      Files.writeString(file, text);
      assertThrows(ConfigFault.class, () -> TokenFile.open(parent, random));
    }
  }
}
