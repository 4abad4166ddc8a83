package dev.portcullis.evidence;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EvidenceTest {
  @ParameterizedTest
  @ValueSource(strings = {"INV-J2", "IL-50", "SEC-01", "K-1", "D4", "M11", "B1", "N14", "F-2", "INV-C1"})
  void anIdIsRecognised(String tag) {
    assertTrue(Evidence.isId(tag));
  }

  @ParameterizedTest
  @ValueSource(strings = {"torture", "bench", "slow", "42", "INV-", "J2a"})
  void anyOtherTagIsNot(String tag) {
    assertFalse(Evidence.isId(tag));
  }

  @Test void rowsAreSortedByIdAndNumber() {
    var page = Evidence.page(Map.of(
        new Proof("IL-10", "B.b"), Proof.Result.PASSED,
        new Proof("IL-9", "B.a"), Proof.Result.FAILED,
        new Proof("D1", "A.a"), Proof.Result.SKIPPED));

    assertTrue(page.endsWith("""
        |---|---|---|
        | D1 | A.a | skipped |
        | IL-9 | B.a | failed |
        | IL-10 | B.b | passed |
        """), page);
  }

  @Test void aTestIsAsGoodAsItsWorstRepetition() {
    assertEquals(Proof.Result.FAILED, Proof.Result.PASSED.worse(Proof.Result.FAILED));
    assertEquals(Proof.Result.SKIPPED, Proof.Result.SKIPPED.worse(Proof.Result.PASSED));
  }
}
