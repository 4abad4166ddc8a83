package dev.portcullis.crash;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** How each event comes to be written: what is done, by whom, before the process reaches the point where it halts. */
enum FailPointScenario {
  TURN_ACCEPTED("turn-accepted", "hello"),
  ATTEMPT_STARTED("attempt-started", "hello"),
  HARNESS_ATTACHED("harness-attached", "hello"),
  TEXT_APPENDED("text-appended", "hello"),
  TEXT_REPLACED("text-replaced", "[[echo correct]]"),
  STEP_STARTED("step-started", "[[echo step=deploy step-time=100ms]]"),
  STEP_FINISHED("step-finished", "[[echo step=deploy step-time=100ms]]"),
  RUN_COMPLETED("run-completed", "hello"),
  RUN_FAILED("run-failed", "[[echo fail=model_overloaded]]"),
  APPROVAL_REQUESTED("approval-requested", "[[echo approve]]"),
  APPROVAL_DECIDED("approval-decided", "[[echo approve]]") {
    @Override
    void afterSubmit(GatewayProcess gateway, Client client, String run) {
      Await.until("a decision", GatewayProcess.PATIENCE, () -> {
        return allowed(client, client.run(run));
      });
    }
  },
  /** The second turn goes into the first, here or in the life that recovers from the halt. */
  TURN_STEERED("turn-steered", "[[echo words=8 gap=200ms]]") {
    @Override
    void drive(GatewayProcess gateway, Client client, Ledger ledger, String session) {
      super.drive(gateway, client, ledger, session);
      ledger.send(client, new Ledger.Sent(session, 1, "", "and this", Optional.of("second-" + session)));
      ledger.accepted().forEach(entry -> client.awaitEnd(entry.run().orElseThrow()));
    }
  },
  /** A call without a key, and its client sends it again: the first of them is answered, the second halts. */
  CALL_REPEATED("call-repeated", "hello") {
    @Override
    void drive(GatewayProcess gateway, Client client, Ledger ledger, String session) {
      super.drive(gateway, client, ledger, session);
      client.openAi("/v1/chat/completions", call(session), 0);
      client.openAi("/v1/chat/completions", call(session), 1);
    }

    @Override
    List<String> calls() {
      return List.of(call("before"), call("after"));
    }

    private static String call(String session) {
      return "{\"model\":\"main\",\"messages\":[{\"role\":\"user\",\"content\":\"" + session + "\"}]}";
    }
  },
  ABORT_REQUESTED("abort-requested", "[[echo hang]]") {
    @Override
    void afterSubmit(GatewayProcess gateway, Client client, String run) {
      client.awaitStatus(run, "running");
      client.post("/api/v1/runs/" + run + "/abort");
    }
  },
  RUN_ABORTED("run-aborted", "[[echo hang]]") {
    @Override
    void afterSubmit(GatewayProcess gateway, Client client, String run) {
      ABORT_REQUESTED.afterSubmit(gateway, client, run);
    }
  },
  RESUME_PENDING("resume-pending", "[[echo words=6 gap=300ms]]") {
    @Override
    void afterSubmit(GatewayProcess gateway, Client client, String run) {
      client.awaitStatus(run, "running");
      gateway.sigterm();
    }
  },
  RUN_INTERRUPTED("run-interrupted", "[[echo words=6 gap=300ms]]") {
    @Override
    void afterSubmit(GatewayProcess gateway, Client client, String run) {
      RESUME_PENDING.afterSubmit(gateway, client, run);
    }
  },
  /** A step is open at a kill, and the agent's settings say that a person must look. */
  RUN_PARKED("run-parked", "[[echo step=pay step-time=10m]]") {
    @Override
    boolean needsCut() {
      return true;
    }
  },
  RUN_UNPARKED("run-unparked", "[[echo step=pay step-time=10m]]") {
    @Override
    boolean needsCut() {
      return true;
    }

    @Override
    void drive(GatewayProcess gateway, Client client, Ledger ledger, String session) {
      ledger.accepted().forEach(entry -> client.post("/api/v1/runs/" + entry.run().orElseThrow() + "/resume"));
    }
  },
  SESSION_RESET("session-reset", "hello") {
    @Override
    void afterSubmit(GatewayProcess gateway, Client client, String run) {
      var ended = client.awaitEnd(run);
      client.post("/api/v1/sessions/" + ended.path("sessionKey").asText() + "/reset");
    }
  },
  SESSION_ERASED("session-erased", "hello") {
    @Override
    void afterSubmit(GatewayProcess gateway, Client client, String run) {
      var ended = client.awaitEnd(run);
      client.delete("/api/v1/sessions/" + ended.path("sessionKey").asText());
    }

    @Override
    boolean erases() {
      return true;
    }
  };

  private final String manifest;
  private final String message;

  FailPointScenario(String manifest, String message) {
    this.manifest = manifest;
    this.message = message;
  }

  static Optional<FailPointScenario> of(String manifest) {
    return Stream.of(values()).filter(scenario -> scenario.manifest.equals(manifest)).findFirst();
  }

  /** Whether an earlier life must have been killed in the middle of a step. */
  boolean needsCut() {
    return false;
  }

  /** Whether nothing of the session is to be seen once the event is written. */
  boolean erases() {
    return false;
  }

  /** Bodies of calls without a key, one run each, that their clients may still send again. */
  List<String> calls() {
    return List.of();
  }

  /** Submits with a key; then whatever else leads to the event. */
  void drive(GatewayProcess gateway, Client client, Ledger ledger, String session) {
    var canary = "canary-" + session;
    ledger.send(client, new Ledger.Sent(session, 0, canary, canary + " " + message, Optional.of("key-" + session)));
    ledger.accepted().stream()
        .filter(entry -> entry.sent().session().equals(session))
        .forEach(entry -> afterSubmit(gateway, client, entry.run().orElseThrow()));
  }

  void afterSubmit(GatewayProcess gateway, Client client, String run) {}

  /** Whether it asks something, and may now do it. */
  private static boolean allowed(Client client, JsonNode run) {
    var asked = run.path("approvals").path(0).path("id").asText("none");
    return client.decide(run.path("id").asText(), asked, "allow").status() == 202;
  }

  /** What the people involved do afterwards, until every run has ended. */
  static void bringToRest(Client client, List<Ledger.Entry> accepted) {
    for (var entry : accepted) {
      var id = entry.run().orElseThrow();
      Await.until("the end of " + entry, Duration.ofSeconds(60), () -> {
        var run = client.run(id);
        var status = run.path("status").asText();
        if (status.equals("parked")) {
          client.post("/api/v1/runs/" + id + "/resume");
        } else if (status.equals("running") && entry.sent().message().contains("hang")) {
          client.post("/api/v1/runs/" + id + "/abort");
        } else if (status.equals("running") && entry.sent().message().contains("approve")) {
          allowed(client, run);
        }
        return run.hasNonNull("endedAt");
      });
    }
  }
}
