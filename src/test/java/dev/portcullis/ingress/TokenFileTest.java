package dev.portcullis.ingress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.config.ConfigFault;
import dev.portcullis.config.GatewayConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Set;
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

  @Test
  void aTokenThatOthersCanReadOrThatIsNoneIsRefused() throws IOException {
    var file = parent.resolve("token");
    TokenFile.open(parent, random);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    assertThrows(ConfigFault.class, () -> TokenFile.open(parent, random));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    for (var text : new String[] {"", "  \n", "short",
        "with blanks in it, which no header could hold as one"}) {
      Files.writeString(file, text);
      assertThrows(ConfigFault.class, () -> TokenFile.open(parent, random));
    }
  }

  @Test
  void aTokenFindsItsPrincipalAndADigestFindsNobody() {
    var token = Token.fresh(random);
    var digest = Digests.hex("other");
    var credentials = Credentials.of(token, Map.of(
        "reader", new GatewayConfig.Principal("reader", digest, Set.of("operator.read"))));
    assertEquals("owner", credentials.find(token.reveal()).orElseThrow().name());
    assertEquals(Set.of(Scope.READ), credentials.find("other").orElseThrow().scopes());
    for (var wrong : new String[] {"", digest, token.reveal().substring(1), "' OR 1=1--"}) {
      assertTrue(credentials.find(wrong).isEmpty(), wrong);
    }
  }

  @Test
  void aScopeThatDoesNotExistStopsTheBootByName() {
    var fault = assertThrows(ConfigFault.class, () -> Credentials.of(Token.fresh(random), Map.of(
        "x", new GatewayConfig.Principal("x", Digests.hex("x"), Set.of("operator.everything")))));
    assertTrue(fault.getMessage().contains("portcullis.auth.principals.x.scopes"), fault.getMessage());
  }
}
