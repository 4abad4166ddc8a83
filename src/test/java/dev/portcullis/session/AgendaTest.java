package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.typesafe.config.ConfigFactory;
import dev.portcullis.config.AgentConfig;
import dev.portcullis.config.ConfigSource;
import dev.portcullis.config.GatewayConfig;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What becomes of a run that was cut off, where the answer is not simply to go on. */
class AgendaTest {
  private static final Instant NOW = Instant.parse("2026-11-20T10:00:00Z");
  private static final GatewayConfig CONFIG = GatewayConfig.from(
      new ConfigSource.Shipped().load(Map.of(), Map.of()).withFallback(ConfigFactory.empty()));

  private static SessionState cut() {
    return SessionState.empty().applyAll(List.of(
        Facts.accepted("r-1", "hello"),
        new SessionEvent.AttemptStarted("r-1", 1, 1, 2, "echo", NOW, "")));
  }

  private static List<String> takeOver(Map<String, AgentConfig> agents, Abilities resumes) {
    var agenda = new Agenda(CONFIG.run(), agents, resumes, 2, true);
    return agenda.takeOver(cut(), NOW).stream()
        .map(event -> event instanceof SessionEvent.RunParked park ? park.reason() : SessionEvent.TYPES.manifestOf(event))
        .toList();
  }

  @Test
  void aRunWhoseHarnessCannotResumeWaitsForAPerson() {
    assertEquals(List.of("run-interrupted", "not_resumable"), takeOver(CONFIG.agents(), _ -> false));
    assertEquals(List.of("run-interrupted"), takeOver(CONFIG.agents(), _ -> true));
  }

  @Test
  void aRunWhoseAgentWasRemovedWaitsForAPerson() {
    assertEquals(List.of("run-interrupted", "agent_not_found"), takeOver(Map.of(), _ -> true));
  }
}
