package dev.portcullis.boot;

import dev.portcullis.harness.HarnessActor;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.harness.process.ProcessLauncher;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.AskPattern;

/** The actors of all declared harnesses, for the one who starts and stops them. */
final class HarnessFleet {
  private final ActorContext<?> context;
  private final List<ActorRef<HarnessActor.Command>> actors = new ArrayList<>();

  HarnessFleet(ActorContext<?> context) {
    this.context = context;
  }

  void start(World world, Harnesses registry, Premises premises) {
    var launcher = ProcessLauncher.create(premises.instance(), premises.incarnation());
    var factory = new HarnessFactory(world.config(), launcher, world.clock(), world.random());
    world.config().declared().forEach((name, settings) -> {
      var actor = context.spawn(
          HarnessActor.create(settings, factory.create(settings), registry, world.alerts(), world.clock()),
          "harness-" + name);
      registry.declare(name, settings.kind(), actor);
      actors.add(actor);
    });
  }

  /** Completes when no process of any harness is left, or has been given time enough to go. */
  CompletionStage<Void> stop(Duration grace) {
    var stopped = actors.stream()
        .map(actor -> AskPattern.<HarnessActor.Command, HarnessActor.Stopped>ask(
                actor,
                replyTo -> new HarnessActor.Stop(grace, replyTo),
                grace.plusSeconds(2),
                context.getSystem().scheduler())
            .handle((_, _) -> true)
            .toCompletableFuture())
        .toArray(CompletableFuture[]::new);
    return CompletableFuture.allOf(stopped);
  }

  /** For an end that waits for nobody. */
  void abandon() {
    var nobody = context.getSystem().<HarnessActor.Stopped>ignoreRef();
    actors.forEach(actor -> actor.tell(new HarnessActor.Stop(Duration.ZERO, nobody)));
  }
}
