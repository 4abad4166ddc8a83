package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.portcullis.ingress.IngressRig;
import java.nio.file.Path;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OperationsRoutesTest {
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

  @Test
  void theStatusAddsUp() {
    rig.post("/api/v1/sessions/foo/runs", "{\"message\":\"hi\"}");
    assertEquals(IngressRig.json("""
        {"ready":true,"state":"open","incarnation":7,"startedAt":"2026-01-02T03:04:05Z","uptimeSeconds":60,
         "version":"0.1.0","defaultAgent":"main",
         "harnesses":[{"name":"echo","kind":"echo","state":"ready","version":"1","recovery":"replay","cause":null}],
         "counts":{"sessions":1,"accepted":1,"terminal":1,"open":0,"active":0,"queued":0,"interrupted":0,"parked":0,"quarantined":0},
         "drain":{"draining":false,"remaining":0,"by":null,"since":null},"unmet":[]}"""),
        IngressRig.json(rig.get("/api/v1/status")));
  }

  @Test
  void harnessesAreListedWithTheirState() {
    assertEquals("ready", IngressRig.json(rig.get("/api/v1/harnesses")).at("/data/0/state").asText());
  }

  @Test
  void aDrainIsStartedInTheNameOfTheAsker() {
    assertEquals(202, rig.post("/api/v1/drain", "").statusCode());
    assertEquals(List.of("owner"), rig.drains);
  }
}
