package dev.portcullis.ingress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.config.ConfigFault;
import dev.portcullis.config.GatewayConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CredentialsTest {
  private static final Principal ADMIN = new Principal("boss", Set.of(Scope.ADMIN));

  @TempDir Path data;
  private final SecureRandom random = new SecureRandom();

  private Credentials open(GatewayConfig.Principal... configured) throws IOException {
    var byName = new java.util.TreeMap<String, GatewayConfig.Principal>();
    for (var each : configured) {
      byName.put(each.name(), each);
    }
    return Credentials.open(data, byName, random);
  }

  private static GatewayConfig.Principal configured(String name, String token, String... scopes) {
    return new GatewayConfig.Principal(name, Digests.hex(token), Set.of(scopes), false);
  }

  private Principal ofToken(Credentials credentials, Token token) {
    return credentials.find(token.reveal()).orElseThrow();
  }

  @Test
  @Tag("SEC-17")
  void aTokenFindsItsPrincipalAndADigestFindsNobody() throws IOException {
    var credentials = open(configured("reader", "other", "operator.read"));
    var token = TokenFile.open(data, random);
    assertEquals("owner", ofToken(credentials, token).name());
    assertEquals(Set.of(Scope.READ), credentials.find("other").orElseThrow().scopes());
    for (var wrong : List.of("", Digests.hex("other"), token.reveal().substring(1), "' OR 1=1--")) {
      assertTrue(credentials.find(wrong).isEmpty(), wrong);
    }
  }

  @Test
  @Tag("SEC-17")
  void tokensThatBeginAlikeAreOfDifferentPrincipals() throws IOException {
    var alike = "the-same-twenty-characters-";
    var credentials = open(configured("a", alike + "a"), configured("b", alike + "b"));
    assertEquals("a", credentials.find(alike + "a").orElseThrow().name());
    assertEquals("b", credentials.find(alike + "b").orElseThrow().name());
    assertTrue(credentials.find(alike).isEmpty());
  }

  @Test
  void aScopeThatDoesNotExistAndANameOrTokenThatIsTakenStopTheBootByName() {
    for (var wrong : List.of(
        List.of(configured("x", "x", "operator.everything")),
        List.of(configured("w", "same"), configured("x", "same")))) {
      var fault = assertThrows(ConfigFault.class, () ->
          open(wrong.toArray(GatewayConfig.Principal[]::new)));
      assertTrue(fault.getMessage().contains("portcullis.auth.principals.x"), fault.getMessage());
    }
    var fault = assertThrows(ConfigFault.class, () -> open(configured("owner", "x")));
    assertTrue(fault.getMessage().contains("portcullis.auth.principals.owner"), fault.getMessage());
  }

  @Test
  void whoIsAddedIsThereAfterARestartAndItsTokenIsInNoFile() throws IOException {
    var token = open().add("ci", Set.of(Scope.WRITE), false, ADMIN, random);
    assertTrue(token.reveal().matches("[0-9a-f]{64}"));
    var file = data.resolve("credentials.json");
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    assertFalse(Files.readString(file).contains(token.reveal()));
    var again = ofToken(open(), token);
    assertEquals("ci", again.name());
    assertEquals(Set.of(Scope.WRITE), again.scopes());
    assertFalse(again.seesAll());
  }

  @Test
  void aFileOfCredentialsThatOthersCanReadOrThatIsNoneIsRefused() throws IOException {
    open().add("ci", Set.of(), false, ADMIN, random);
    var file = data.resolve("credentials.json");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    assertThrows(ConfigFault.class, this::open);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    for (var broken : List.of("", "{", "{\"portcullis\":{\"auth\":{\"principals\":{\"ci\":{\"token-sha256\":\"x\"}}}}}")) {
      Files.writeString(file, broken);
      assertThrows(ConfigFault.class, this::open, broken);
    }
  }

  @Test
  @Tag("SEC-16")
  void whatIsRotatedOrRemovedIsNoLongerGoodAndTheOthersDoNotNotice() throws IOException {
    var credentials = open();
    var ci = credentials.add("ci", Set.of(Scope.WRITE), false, ADMIN, random);
    var gone = credentials.add("gone", Set.of(Scope.READ), false, ADMIN, random);
    var owner = TokenFile.open(data, random);
    var before = List.of(ofToken(credentials, ci), ofToken(credentials, gone), ofToken(credentials, owner));

    var fresh = credentials.rotate("ci", ADMIN, random);
    credentials.remove("gone", ADMIN);

    assertTrue(credentials.find(ci.reveal()).isEmpty());
    assertTrue(credentials.find(gone.reveal()).isEmpty());
    assertEquals(Set.of(Scope.WRITE), ofToken(credentials, fresh).scopes());
    assertEquals(List.of(false, false, true), before.stream().map(credentials::holds).toList());
    assertNotEquals(before.getFirst().epoch(), ofToken(credentials, fresh).epoch());
  }

  @Test
  @Tag("SEC-16")
  void theOwnersTokenIsRotatedInItsFile() throws IOException {
    var credentials = open();
    var old = TokenFile.open(data, random);
    var fresh = credentials.rotate("owner", ADMIN, random);
    assertTrue(credentials.find(old.reveal()).isEmpty());
    assertEquals("owner", ofToken(credentials, fresh).name());
    assertEquals(fresh.reveal(), TokenFile.open(data, random).reveal());
  }

  @Test
  void whatTheSettingsSayIsNotChangedBesidesThem() throws IOException {
    var credentials = open(configured("fixed", "x"));
    for (var code : Map.<String, Runnable>of(
        "credential_fixed", () -> credentials.rotate("fixed", ADMIN, random),
        "credential_exists", () -> credentials.add("fixed", Set.of(), false, ADMIN, random),
        "credential_not_found", () -> credentials.remove("nobody", ADMIN)).entrySet()) {
      var fault = assertThrows(InputFault.class, code.getValue()::run);
      assertEquals(code.getKey(), fault.problem().code());
    }
    assertThrows(InputFault.class, () -> credentials.remove("fixed", ADMIN));
    assertThrows(InputFault.class, () -> credentials.remove("owner", ADMIN));
    for (var name : List.of("", "a b", "__proto__", "constructor", "policy", "x".repeat(65))) {
      assertThrows(InputFault.class, () -> credentials.add(name, Set.of(), false, ADMIN, random), name);
    }
  }

  private static List<Set<Scope>> lattice() {
    var sets = new ArrayList<Set<Scope>>();
    for (int bits = 0; bits < 1 << Scope.values().length; bits++) {
      var set = EnumSet.noneOf(Scope.class);
      for (var scope : Scope.values()) {
        if ((bits & 1 << scope.ordinal()) != 0) {
          set.add(scope);
        }
      }
      sets.add(set);
    }
    return sets;
  }

  @Test
  @Tag("SEC-14")
  void whateverIsAskedForAConnectionMayDoNoMoreThanItsCredential() {
    for (var granted : lattice()) {
      for (var asked : lattice()) {
        var whole = new Principal("x", granted, granted.contains(Scope.READ), 1);
        var narrow = whole.narrowedTo(asked);
        for (var operation : Operation.values()) {
          assertTrue(whole.authorize(operation) || !narrow.authorize(operation),
              granted + " asked " + asked + " may " + operation);
        }
        assertTrue(whole.seesAll() || !narrow.seesAll());
        assertEquals(whole.epoch(), narrow.epoch());
      }
    }
  }

  @Test
  @Tag("SEC-14")
  void whatIsMintedMayDoNoMoreThanWhoMintsIt() throws IOException {
    var credentials = open();
    int minted = 0;
    for (var held : lattice()) {
      for (var wanted : lattice()) {
        for (boolean all : new boolean[] {false, true}) {
          var minter = new Principal("minter", held);
          var given = new Principal("x", wanted, all, 1);
          boolean more = given.seesAll() && !minter.seesAll();
          for (var operation : Operation.values()) {
            more |= given.authorize(operation) && !minter.authorize(operation);
          }
          assertEquals(!more, minter.covers(wanted, all), held + " mints " + wanted + " " + all);
          minted++;
        }
      }
    }
    assertEquals(2 << 2 * Scope.values().length, minted);
    var writer = new Principal("w", Set.of(Scope.WRITE));
    var fault = assertThrows(InputFault.class, () ->
        credentials.add("x", Set.of(Scope.WRITE, Scope.APPROVALS), false, writer, random));
    assertEquals("insufficient_scope", fault.problem().code());
    assertThrows(InputFault.class, () -> credentials.rotate("owner", writer, random));
    assertEquals(1, credentials.list().size());
  }

  @Test
  @Tag("SEC-16")
  void aRevocationThatCannotBeMadeWholeChangesNothing() throws IOException {
    var credentials = open();
    var token = credentials.add("ci", Set.of(Scope.READ), false, ADMIN, random);
    var file = data.resolve("credentials.json");
    var before = Files.readString(file);
    Files.setPosixFilePermissions(data.resolve("token"), PosixFilePermissions.fromString("rw-r--r--"));

    assertThrows(InputFault.class, () -> credentials.remove("ci", ADMIN));

    assertEquals(before, Files.readString(file));
    assertEquals("ci", ofToken(credentials, token).name());
  }

  @Test
  @Tag("SEC-16")
  void whoCannotBeWrittenDownIsNotAdded() throws IOException {
    var credentials = open();
    Files.createDirectories(data.resolve("credentials.json.new").resolve("x"));

    assertThrows(java.io.UncheckedIOException.class, () ->
        credentials.add("ci", Set.of(Scope.READ), false, ADMIN, random));

    assertFalse(Files.exists(data.resolve("credentials.json")));
    assertTrue(credentials.named("ci").isEmpty());
  }
}
