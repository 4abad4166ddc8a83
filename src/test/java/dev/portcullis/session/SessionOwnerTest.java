package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.portcullis.protocol.Input;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Whose a session is: decided by the session itself, for ever. */
@Tag("SEC-19")
@Tag("SEC-20")
class SessionOwnerTest {
  private static final String KEY = "agent:main:main";
  private final ActorSubject session = new ActorSubject(KEY);

  @AfterEach
  void close() {
    session.close();
  }

  private Session.Submit turn(String run, String principal, boolean anywhere, TestProbe<Receipt> asker) {
    return new Session.Submit(
        run, KEY, principal, "hello", List.of(), Input.NONE, List.of(), Gate.State.OPEN, asker.ref(), "", anywhere);
  }

  private Receipt submit(String run, String principal, boolean anywhere) {
    var asker = session.world().kit.<Receipt>createTestProbe();
    session.session().tell(turn(run, principal, anywhere, asker));
    return asker.receiveMessage();
  }

  @Test
  void ofTwoWhoBeginTheSameSessionAtOnceOneHasItAndTheOtherFindsNothing() {
    var a = session.world().kit.<Receipt>createTestProbe();
    var b = session.world().kit.<Receipt>createTestProbe();
    session.session().tell(turn("r-1", "a", false, a));
    session.session().tell(turn("r-2", "b", false, b)); // Comes while the first is being written.
    assertInstanceOf(Receipt.Accepted.class, a.receiveMessage());
    assertEquals(new Receipt.Foreign(), b.receiveMessage());
    assertEquals("a", session.state().owner());
    assertEquals(1, session.state().accepted());
  }

  @Test
  void anotherIsRefusedAfterARestartTooAndNothingIsWritten() {
    submit("r-1", "a", false);
    session.crash(true);
    assertEquals(new Receipt.Foreign(), submit("r-2", "b", false));
    assertEquals(1, session.state().accepted());
    assertInstanceOf(Receipt.Accepted.class, submit("r-3", "a", false));
  }

  @Test
  void whoMaySpeakAnywhereMakesNothingItsOwn() {
    submit("r-1", "a", false);
    assertInstanceOf(Receipt.Accepted.class, submit("r-2", "boss", true));
    assertEquals("a", session.state().owner());
  }

  @Test
  void aSessionThatBeginsAnewStaysItsOwnersAndOneThatIsErasedIsFree() {
    submit("r-1", "a", false);
    session.clear(false);
    assertEquals(new Receipt.Foreign(), submit("r-2", "b", false));
    session.clear(true);
    assertInstanceOf(Receipt.Accepted.class, submit("r-3", "b", false));
    assertEquals("b", session.state().owner());
  }
}
