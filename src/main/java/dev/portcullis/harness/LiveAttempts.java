package dev.portcullis.harness;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * At most one live attempt per conversation. A new one stops the old one and starts when that has stopped:
 * two agents in one conversation would both do its steps. Belongs to one actor.
 */
final class LiveAttempts {
  /** What an attempt that nobody wants any more gets to go quietly. */
  static final Duration GRACE = Duration.ofSeconds(5);

  private final Harness harness;
  private final ActorRef<HarnessActor.Command> owner;
  private final Map<String, Live> live = new HashMap<>();
  private final Map<String, HarnessActor.Dispatch> waiting = new HashMap<>();

  LiveAttempts(Harness harness, ActorRef<HarnessActor.Command> owner) {
    this.harness = harness;
    this.owner = owner;
  }

  void start(HarnessActor.Dispatch dispatch) {
    var conversation = dispatch.spec().conversation();
    var old = live.get(conversation);
    if (old == null) {
      begin(dispatch);
      return;
    }
    var outdated = waiting.put(conversation, dispatch);
    if (outdated != null) {
      outdated.replyTo().tell(
          new HarnessActor.Unavailable("a newer attempt of this conversation takes its place"));
    }
    old.stop(GRACE);
  }

  private void begin(HarnessActor.Dispatch dispatch) {
    var next = new Live(dispatch.spec().conversation(), owner);
    live.put(next.conversation(), next);
    next.start(harness, dispatch.spec(), dispatch.updates());
    dispatch.replyTo().tell(new HarnessActor.Started(next));
  }

  /** An attempt may be reported as over twice, by its end and by its stop. */
  void over(Live ended) {
    if (!live.remove(ended.conversation(), ended)) {
      return;
    }
    var next = waiting.remove(ended.conversation());
    if (next != null) {
      begin(next);
    }
  }

  /** Gives up every live attempt: what its processes say while they are ended is no end of a run. */
  void stopAll(Duration grace) {
    live.values().forEach(attempt -> attempt.stop(grace));
  }

  void refuseWaiting(String cause) {
    waiting.values().forEach(dispatch -> dispatch.replyTo().tell(new HarnessActor.Unavailable(cause)));
    waiting.clear();
  }
}
