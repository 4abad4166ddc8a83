package dev.portcullis.ingress.ws.methods;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Principal;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RunNamesTest {
  private static final Principal ANN = new Principal("ann", Set.of());
  private static final Principal BOB = new Principal("bob", Set.of());

  @Test void whatAClientCallsItsRunIsReadFromOurId() {
    assertEquals("3f0c.x:1", RunNames.shown(RunNames.id(ANN, "3f0c.x:1")));
  }

  @Test void aKeyMeansTheSameRunWheneverItIsAsked() {
    assertEquals(RunNames.id(ANN, "k"), RunNames.id(new Principal("ann", Set.of()), "k"));
  }

  @Test void theKeysOfTwoPrincipalsNeverMeet() {
    assertNotEquals(RunNames.id(ANN, "k"), RunNames.id(BOB, "k"));
  }

  @Test void aRunFromElsewhereHasOneName() {
    assertEquals("run_0123456789abcdefghjkmnpqrs", RunNames.shown("run_0123456789abcdefghjkmnpqrs"));
  }

  @Test void aKeyThatFitsIntoNoPathIsRefused() {
    assertThrows(InputFault.class, () -> RunNames.checked("a b"));
    assertThrows(InputFault.class, () -> RunNames.checked("x".repeat(97)));
  }
}
