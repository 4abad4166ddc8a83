package dev.portcullis.session;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.run.Run;
import java.time.Clock;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * What the sessions of a node have in common.
 *
 * @param underway is told of each attempt that begins or ends on this node
 */
public record SessionNode(
    GatewayConfig config,
    Gate gate,
    Run.Parts run,
    long incarnation,
    boolean autoResume,
    Underway underway,
    ActorRef<Directory.Command> directory,
    Transcripts transcripts,
    Quarantine quarantine,
    Clock clock) {}
