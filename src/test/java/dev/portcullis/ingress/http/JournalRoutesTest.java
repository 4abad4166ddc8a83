package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.portcullis.ingress.IngressRig;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalRoutesTest {
  private static final ActorTestKit KIT = ActorTestKit.create();

  @TempDir Path data;
  private IngressRig rig;

  @BeforeEach
  void open() {
    rig = new IngressRig(KIT.system(), data.resolve("d"));
  }

  @AfterEach
  void close() {
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private static String path(String rest) {
    return "/api/v1/sessions/agent:main:" + rest + "/export";
  }

  @Test
  void anExportIsOneLineForEachEventOverAllPages() {
    var response = rig.get(path("three"));
    assertEquals(200, response.statusCode());
    assertEquals("application/x-ndjson", response.headers().firstValue("content-type").orElse(""));
    assertEquals("{\"seq\":1}\n{\"seq\":2}\n{\"seq\":3}\n", response.body());
  }

  @Test
  void anExportThatCannotGoOnBreaksOffAndDoesNotEndAsIfItWereWhole() {
    assertThrows(UncheckedIOException.class, () -> rig.get(path("damaged")));
  }

  @Test
  void aSessionThatTheJournalDoesNotHaveIsNotFound() {
    assertEquals(404, rig.get(path("none")).statusCode());
  }

  @Test
  void theJournalIsForAdministratorsOnly() {
    for (var route : List.of(path("three"), "/api/v1/journal")) {
      var weaker = rig.request(route).GET().setHeader("Authorization", "Bearer token-of-write");
      assertEquals(403, rig.send(weaker).statusCode());
    }
  }

  @Test
  void theFiguresSayHowMuchThereIs() {
    assertEquals(IngressRig.json("""
        {"sessions":2,"events":9,"snapshots":1,"entries":4,"lastWrite":"2026-11-20T10:00:00Z",
         "bytes":{"tables":77}}"""), IngressRig.json(rig.get("/api/v1/journal")));
  }
}
