package dev.portcullis.harness;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * At most one live attempt per conversation, on whatever harness. A new one stops the old one and starts when
 * that has stopped: two agents in one conversation would both do its steps. Belongs to one actor.
 */
final class LiveAttempts {
  /** What an attempt that nobody wants any more gets to go quietly. */
  static final Duration GRACE = Duration.ofSeconds(5);

  private final Harness harness;
  private final ActorRef<HarnessActor.Command> owner;
  /** Of all harnesses; each actor adds and removes its own. */
  private final Map<String, Live> everywhere;
  private final Map<String, Live> live = new HashMap<>();
  private final Map<String, HarnessActor.Dispatch> waiting = new HashMap<>();

  LiveAttempts(Harness harness, ActorRef<HarnessActor.Command> owner, Map<String, Live> everywhere) {
    this.harness = harness;
    this.owner = owner;
    this.everywhere = everywhere;
  }

  void start(HarnessActor.Dispatch dispatch) {
    var conversation = dispatch.spec().conversation();
    var next = new Live(conversation, owner);
    var old = everywhere.putIfAbsent(conversation, next); // At once: two harnesses may be asked at a time.
    if (old == null) {
      begin(next, dispatch);
      return;
    }
    var outdated = waiting.put(conversation, dispatch);
    if (outdated != null) {
      outdated.replyTo().tell(
          new HarnessActor.Unavailable("a newer attempt of this conversation takes its place"));
    }
    old.stop(GRACE).whenComplete((_, _) -> owner.tell(new HarnessActor.AttemptOver(old)));
  }

  private void begin(Live next, HarnessActor.Dispatch dispatch) {
    live.put(next.conversation(), next);
    next.start(harness, dispatch.spec(), dispatch.updates());
    dispatch.replyTo().tell(new HarnessActor.Started(next));
  }

  /** An attempt may be reported as over more than once, and may be another harness's that we waited for. */
  void over(Live ended) {
    live.remove(ended.conversation(), ended);
    everywhere.remove(ended.conversation(), ended);
    var next = waiting.remove(ended.conversation());
    if (next != null) {
      start(next);
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
