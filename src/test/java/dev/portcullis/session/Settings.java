package dev.portcullis.session;

import com.typesafe.config.ConfigFactory;
import dev.portcullis.config.GatewayConfig;
import java.io.File;
import java.time.Duration;
import java.time.Instant;

/** The shipped settings with small numbers, and four agents that differ in every policy. */
final class Settings {
  static final Instant START = Instant.parse("2026-11-20T10:00:00Z");
  static final Duration DEADLINE = Duration.ofMinutes(60);
  static final Duration SILENCE = Duration.ofMinutes(20);
  /** After this an abort that the harness does not answer is taken for granted. */
  static final Duration ABORT = Duration.ofSeconds(35);
  /** After this a question that nobody has answered is answered with no. */
  static final Duration EXPIRY = Duration.ofMinutes(15);
  static final Duration RETENTION = Duration.ofMinutes(30);
  static final int QUEUE = 3;
  static final int ATTEMPTS = 3;

  static final GatewayConfig CONFIG = withQueue(QUEUE);

  private Settings() {}

  static GatewayConfig withQueue(int limit) {
    return GatewayConfig.from(ConfigFactory.parseString("""
      portcullis.run { deadline = 60m, idle-deadline = 20m, abort-grace = 30s, attempts = 3 }
      portcullis.run.resume-delays = [0s, 30s, 300s]
      portcullis.session { queue-limit = %d, key-retention = 30m }
      portcullis.approvals { expire = 15m, input-chars = 100 }
      portcullis.agents {
        main { harness = echo, fallbacks = [], workspace = w, queue = queue, on-uncertain = tell, approvals = ask }
        careful { harness = echo, fallbacks = [], workspace = w, queue = reject, on-uncertain = park, approvals = ask }
        pushy { harness = echo, fallbacks = [], workspace = w, queue = interrupt, on-uncertain = ask, approvals = allow }
        chatty { harness = echo, fallbacks = [spare], workspace = w, queue = steer, on-uncertain = tell, approvals = ask }
      }
      portcullis.harnesses.spare { kind = echo }
      """.formatted(limit)).withFallback(ConfigFactory.parseFile(new File("conf/application.conf"))).resolve());
  }
}
