package dev.portcullis.boot;

import dev.portcullis.alert.Alerts;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.journal.Journal;
import dev.portcullis.ops.SdNotify;
import java.time.Clock;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.random.RandomGenerator;

/**
 * What the world outside the actor system lends to the guardian, and what it wants back.
 *
 * @param blocking runs what blocks
 * @param journal completed once it is open
 * @param exit completed once it is known how the process ends
 */
record World(
    GatewayConfig config,
    Alerts alerts,
    SdNotify service,
    Clock clock,
    RandomGenerator random,
    Executor blocking,
    CompletableFuture<Journal> journal,
    CompletableFuture<Exit> exit) {}
