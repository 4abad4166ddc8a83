package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.IndexEntry;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.RunStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.apache.pekko.actor.testkit.typed.javadsl.LoggingTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Idempotency keys that the state of a session does not hold, on the real actors. */
@ExtendWith(LogCapturingExtension.class)
class KeysTest {
  private static final String KEY = "agent:main:main";
  private static final int MORE_THAN_ARE_KEPT = SessionState.KEYS_KEPT + 5;

  private final ActorSubject session = new ActorSubject(KEY);

  @BeforeEach
  void keepTheAgentBusy() {
    submit("r-active");
  }

  @AfterEach
  void close() {
    session.close();
  }

  private Receipt submit(String run, Sessions.Key... keys) {
    return session.submit(run, List.of(keys));
  }

  private static Sessions.Key key(String digest) {
    return new Sessions.Key(digest, "body");
  }

  /** A turn that waited behind the active one, and has ended. */
  private void ended(String run, String digest) {
    assertInstanceOf(Receipt.Accepted.class, submit(run, key(digest)));
    assertEquals(new ControlReply.Done(RunStatus.ABORTED), session.abort(run));
  }

  /** The key of {@code r-1} is bound, and forgotten by the state. */
  private void forgotten() {
    ended("r-1", "early");
    for (int i = 0; i < MORE_THAN_ARE_KEPT; i++) {
      ended("r-later-" + i, "later-" + i);
    }
    assertFalse(session.state().knows(List.of(key("early"))));
    assertEquals(SessionState.KEYS_KEPT, session.state().keys().size());
  }

  @Test
  @Tag("INV-I2")
  @Tag("INV-I5")
  void aKeyThatTheStateHasForgottenStillNamesItsRun() {
    forgotten();
    assertEquals("r-1", ((Receipt.Accepted) submit("r-2", key("early"))).runId());
    assertEquals(new Receipt.KeyReused("r-1"), submit("r-3", new Sessions.Key("early", "other")));
    session.crash(true);
    assertEquals("r-1", ((Receipt.Accepted) submit("r-4", key("early"))).runId());
    session.clear(true);
    assertEquals("r-1", ((Receipt.Accepted) submit("r-5", key("early"))).runId());
    assertTrue(session.state().erased(), "nothing was started");
  }

  @Test
  @Tag("INV-I10")
  void aForgottenKeyWhoseRetentionIsOverIsBoundAnew() {
    forgotten();
    session.world().clock.advance(Settings.RETENTION);
    var again = (Receipt.Accepted) submit("r-2", key("early"));
    assertEquals("r-2", again.runId());
    assertFalse(again.replayed());
    assertEquals("r-2", ((Receipt.Accepted) submit("r-3", key("early"))).runId());
  }

  @Test
  @Tag("INV-I10")
  void theKeyOfAnOpenRunIsNeverForgotten() {
    submit("r-1", key("early"));
    for (int i = 0; i < MORE_THAN_ARE_KEPT; i++) {
      ended("r-later-" + i, "later-" + i);
    }
    session.world().clock.advance(Settings.RETENTION.plusSeconds(1));
    assertEquals("r-1", ((Receipt.Accepted) submit("r-2", key("early"))).runId());
  }

  @Test
  @Tag("INV-I12")
  void turnsWithOneKeyDoNotOvertakeEachOtherAndOneWithoutAKeyDoesNotWait() {
    var held = new LinkedBlockingQueue<Runnable>();
    session.world().reads = held::add;
    TestProbe<Receipt> first = session.world().kit.createTestProbe();
    TestProbe<Receipt> second = session.world().kit.createTestProbe();
    tell("r-1", first.ref(), key("k"));
    tell("r-2", second.ref(), key("k"));
    assertEquals(RunStatus.QUEUED, ((Receipt.Accepted) submit("r-3")).status());
    assertEquals(1, held.size(), "only the first of them is looked up");
    session.world().reads = ForkJoinPool.commonPool();
    held.remove().run();
    assertEquals(new Receipt.Accepted("r-1", KEY, RunStatus.QUEUED, 2, false), first.receiveMessage());
    assertEquals(new Receipt.Accepted("r-1", KEY, RunStatus.QUEUED, 2, true), second.receiveMessage());
  }

  @Test
  @Tag("INV-J2")
  void aTurnWhoseKeyCannotBeLookedUpIsNotAcceptedAndTheNextOneIs() {
    var name = Rows.keyName(new SessionKey(KEY).entityId(), "bad");
    session.world().journal.index(List.of(new IndexEntry.Put(Rows.KEY, name, "no entry"))).toCompletableFuture().join();
    TestProbe<Receipt> asker = session.world().kit.createTestProbe();
    LoggingTestKit.warn("session.keys_unread").expect(session.world().kit.system(), () -> {
      tell("r-1", asker.ref(), key("bad"));
      return assertEqualRun("r-2", submit("r-2", key("good")));
    });
    assertEquals(List.of("r-active", "r-2"), List.copyOf(session.state().open().keySet()));
  }

  private static boolean assertEqualRun(String run, Receipt receipt) {
    assertEquals(run, ((Receipt.Accepted) receipt).runId());
    return true;
  }

  private void tell(String run, ActorRef<Receipt> asker, Sessions.Key key) {
    session.session().tell(new Session.Submit(run, KEY, "me", "message of " + run, List.of(), Input.NONE, List.of(key), Gate.State.OPEN, asker, "", false));
  }

  // ---- calls without a key

  private ControlReply repeat(String run, int count, String seen) {
    return session.world().<Session.Command, ControlReply>ask(session.session(), replyTo -> new Session.Repeat(
        run, "digest", count, seen, Settings.START.plusSeconds(900), replyTo));
  }

  private List<String> calls() {
    var found = new ArrayList<String>();
    session.world().journal.scan(Rows.KEY, Calls.prefix("digest"), (name, entry) ->
        found.add(name + " " + Rows.readKey(entry).body()));
    return found;
  }

  @Test
  @Tag("C-7")
  @Tag("INV-I7")
  void aCallSentAgainIsClaimedOnceForEachCountAlsoAfterACrash() {
    submit("r-1", new Sessions.Key(Calls.name("digest", "r-1"), "0"));
    submit("r-2", new Sessions.Key(Calls.name("digest", "r-2"), "0"));
    assertEquals(List.of("digest/r-1 0", "digest/r-2 0"), calls());
    assertInstanceOf(ControlReply.Done.class, repeat("r-2", 1, "0"));
    assertInstanceOf(ControlReply.Refused.class, repeat("r-2", 1, "0"));
    session.crash(true);
    assertEquals(List.of("digest/r-1 0", "digest/r-2 1"), calls());
    assertInstanceOf(ControlReply.Refused.class, repeat("r-2", 1, "0"));
    assertInstanceOf(ControlReply.Done.class, repeat("r-2", 2, "1"));
    assertInstanceOf(ControlReply.Done.class, repeat("r-1", 1, "0"));
    assertEquals(List.of("digest/r-1 1", "digest/r-2 2"), calls());
  }
}
