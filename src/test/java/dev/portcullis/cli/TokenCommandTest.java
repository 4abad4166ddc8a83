package dev.portcullis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.config.CredentialsFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenCommandTest {
  @TempDir Path data;
  private final Shell shell = new Shell();

  private String token(String... words) {
    shell.out.getBuffer().setLength(0);
    var all = java.util.stream.Stream.concat(
        java.util.stream.Stream.of("token"), java.util.stream.Stream.of(words)).toList();
    var line = new java.util.ArrayList<>(all);
    line.addAll(java.util.List.of("--data", data.toString()));
    assertEquals(0, shell.run(line.toArray(String[]::new)), shell.err());
    return shell.out().strip();
  }

  @Test void onAStoppedGatewayAPrincipalIsAddedListedRotatedAndRemovedInTheFiles() throws Exception {
    var token = token("add", "ci", "--scopes", "read,pairing,operator.approvals", "--sessions", "all");
    var ci = new CredentialsFile(data).read().get("ci");
    assertEquals(CredentialsFile.digest(token), ci.tokenSha256());
    assertEquals(Set.of("operator.read", "operator.pairing", "operator.approvals"), ci.scopes());
    assertTrue(ci.seesAll());
    assertTrue(token("list").contains("ci\toperator.approvals,operator.pairing,operator.read\tall\tcredentials_file"), shell.out());
    assertFalse(shell.out().contains(ci.tokenSha256()));

    var fresh = token("rotate", "ci");
    assertNotEquals(token, fresh);
    assertEquals(CredentialsFile.digest(fresh), new CredentialsFile(data).read().get("ci").tokenSha256());
    token("remove", "ci");
    assertTrue(new CredentialsFile(data).read().isEmpty());
  }

  @Test void theOwnersTokenIsRotatedInItsFile() throws Exception {
    var token = token("rotate");
    assertEquals(token, Files.readString(data.resolve("token")).strip());
    assertEquals(token, token("show"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"token add", "token add ci", "token add ci --scopes root", "token add ci --scopes read --sessions x"})
  void whatIsNoCredentialIsOneSentenceAndExitsWithTwo(String line) {
    assertEquals(2, shell.run((line + " --data " + data).split(" ")));
    assertEquals(1, shell.err().lines().count(), shell.err());
  }

  @ParameterizedTest
  @ValueSource(strings = {"token remove nobody", "token rotate nobody", "token add owner --scopes read"})
  void whoIsNotThereOrIsTakenIsRefused(String line) {
    assertEquals(1, shell.run((line + " --data " + data).split(" ")), shell.err());
  }

  @Test void aNameThatSettingsWouldRefuseIsRefused() {
    assertEquals(78, shell.run("token", "add", "policy", "--scopes", "read", "--data", data.toString()));
  }

  @Test void aRunningGatewayIsAskedSoThatItHoldsAtOnce() throws Exception {
    try (var gateway = new StubGateway()) {
      gateway.on("POST /api/v1/credentials", 201, "{\"name\":\"ci\",\"token\":\"fresh\"}");
      Files.createDirectories(data.resolve("run"));
      Files.writeString(data.resolve("token"), StubGateway.TOKEN);
      Files.writeString(data.resolve("run/addresses.json"), "{\"http\":\"" + gateway.url()
          + "\",\"management\":\"x\",\"pid\":" + ProcessHandle.current().pid() + ",\"incarnation\":7}");
      assertEquals("fresh", token("add", "ci", "--scopes", "write"));
      assertFalse(Files.exists(data.resolve("credentials.json")));
    }
  }
}
