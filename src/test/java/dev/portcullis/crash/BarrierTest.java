package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The gate opens only when everything behind it stands, and says which part does not. */
class BarrierTest {
  private static final int TEMPORARY = 75;
  private static final int CONFIGURATION = 78;

  @TempDir Path directory;

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static void assertClosed(int port) {
    assertThrows(ConnectException.class, () -> {
      try (var socket = new Socket()) {
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
      }
    });
  }

  private GatewayProcess.Launch withAgent(String command, int port) {
    return GatewayProcess.on(directory.resolve("data"))
        .port(port)
        .set("portcullis.harnesses.ghost.kind", "acp")
        .set("portcullis.harnesses.ghost.command", "\"" + command + "\"")
        .set("portcullis.agents.main.harness", "ghost");
  }

  @Test
  @Tag("IL-2")
  @Tag("INV-B1")
  @Tag("INV-B3")
  void aHarnessWhoseProgramIsMissingEndsTheBootAndIsNamed() throws IOException {
    int port = freePort();
    try (var gateway = withAgent("/nowhere/ghost-agent", port).start()) {
      while (gateway.alive()) {
        assertClosed(port);
        Await.pause(Duration.ofMillis(50));
      }
      assertEquals(CONFIGURATION, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
      assertTrue(
          gateway.line("[gateway] CRITICAL: declared harness \"ghost\" failed to register: ").isPresent(),
          gateway::tail);
      assertTrue(gateway.line("boot.open").isEmpty());
      assertFalse(Files.exists(directory.resolve("data/run/addresses.json")));
    }
  }

  @Test
  @Tag("IL-2")
  @Tag("INV-B3")
  void aHarnessThatNeverAnswersEndsTheBootAtItsDeadline() throws IOException {
    int port = freePort();
    var mute = script("mute", "#!/bin/sh\nexec cat >/dev/null\n");
    try (var gateway = withAgent(mute.toString(), port).set("portcullis.boot.deadline", "3s").start()) {
      while (gateway.alive()) {
        assertClosed(port);
        Await.pause(Duration.ofMillis(50));
      }
      assertEquals(TEMPORARY, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
      assertTrue(
          gateway.line("[gateway] CRITICAL: declared harness \"ghost\" failed to register: ").isPresent(),
          gateway::tail);
      assertTrue(gateway.line("boot.open").isEmpty());
    }
  }

  @Test
  @Tag("IL-1")
  @Tag("INV-B1")
  @Tag("INV-B2")
  void nothingIsAcceptedBeforeALateHarnessHasAnswered() throws IOException {
    int port = freePort();
    var late = script("late", """
        #!/bin/sh
        read -r line
        while [ ! -e go ]; do sleep 0.1; done
        id=$(printf '%s' "$line" | sed 's/.*"id":\\([0-9]*\\).*/\\1/')
        printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":1,"agentCapabilities":{}}}\\n' "$id"
        exec cat >/dev/null
        """.replace(" go ", " '" + directory.resolve("go") + "' "));
    try (var gateway = withAgent(late.toString(), port).start();
        var management = Client.bare(gateway.management())) {
      assertTrue(gateway.awaitLine("boot.awaiting").contains("boot.awaiting harnesses=[ghost]"), gateway::tail);
      for (int i = 0; i < 20; i++) {
        assertEquals(503, management.get("/readyz").status());
        assertClosed(port);
        Await.pause(Duration.ofMillis(50));
      }
      Files.createFile(directory.resolve("go"));
      gateway.awaitReady();
      try (var client = gateway.client()) {
        assertEquals(200, client.get("/api/v1/status").status());
      }
      assertTrue(gateway.awaitLine("boot.open").matches(".* boot\\.open http=127\\.0\\.0\\.1:\\d+ took_ms=\\d+ .*"));
      assertTrue(
          gateway.awaitLine("gateway.health").contains("gateway.health registered=[ghost] unavailable=[] "
              + "active=0 queued=0 parked=0 accepted=0 terminal=0"),
          gateway::tail);
    }
  }

  private Path script(String name, String text) throws IOException {
    var path = directory.resolve(name);
    Files.writeString(path, text);
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx------"));
    return path;
  }

  @Test
  @Tag("F-2")
  void anUnknownSettingEndsTheBootAtOnceAndIsNamed() {
    try (var gateway = GatewayProcess.on(directory.resolve("data")).set("portcullis.run.atempts", "3").start()) {
      assertEquals(CONFIGURATION, gateway.exitCode(Duration.ofSeconds(30)), gateway::tail);
      System.out.println("BarrierTest unknown setting refused after ms=" + gateway.age().toMillis());
      assertTrue(gateway.line("portcullis.run.atempts").isPresent(), gateway::tail);
      assertTrue(gateway.line("boot.management").isEmpty());
    }
  }

  @Test
  @Tag("INV-J8")
  void aSecondGatewayOnTheSameDataIsTurnedAwayAndTheFirstIsNotDisturbed() {
    var data = directory.resolve("data");
    try (var first = GatewayProcess.on(data).start().awaitReady(); var client = first.client()) {
      try (var second = GatewayProcess.on(data).start()) {
        assertEquals(TEMPORARY, second.exitCode(GatewayProcess.PATIENCE), second::tail);
        assertTrue(second.line("boot.open").isEmpty());
      }
      assertTrue(first.addresses().isPresent(), "the addresses are not the first one's any more");
      assertEquals("completed", client.awaitEnd(client.submit("s", "hi").text("runId")).path("status").asText());
    }
  }

  @Test
  void aPortThatIsTakenEndsTheBootAndIsNamed() throws IOException {
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = taken.getLocalPort();
      for (var launch : new GatewayProcess.Launch[] {
        GatewayProcess.on(directory.resolve("ingress")).port(port),
        GatewayProcess.on(directory.resolve("management")).managementPort(port)
      }) {
        try (var gateway = launch.start()) {
          assertEquals(TEMPORARY, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
          assertTrue(gateway.line(":" + port + " cannot be bound").isPresent(), gateway::tail);
        }
      }
    }
  }
}
