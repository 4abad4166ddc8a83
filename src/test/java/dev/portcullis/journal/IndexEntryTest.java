package dev.portcullis.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class IndexEntryTest {

  @Property(tries = 300)
  void aTagIsReadBackAsTheEntryItWasMadeOf(
      @ForAll("names") String space, @ForAll("names") String key, @ForAll String value) {
    var put = new IndexEntry.Put(space, key, value);
    var remove = new IndexEntry.Remove(space, key);
    assertTrue(IndexEntry.isTag(put.tag()) && IndexEntry.isTag(remove.tag()));
    assertEquals(put, IndexEntry.fromTag(put.tag()));
    assertEquals(remove, IndexEntry.fromTag(remove.tag()));
  }

  @Property(tries = 300)
  void anyTextSurvivesItsBytes(@ForAll String text) {
    var bytes = StoreText.encode(text);
    assertEquals(text, StoreText.decode(bytes, 0, bytes.length));
    for (byte each : bytes) {
      assertTrue(each != 0);
    }
  }

  @Property(tries = 300)
  void keysSortLikeTheirTexts(@ForAll("names") String one, @ForAll("names") String two) {
    int bytes = java.util.Arrays.compareUnsigned(StoreText.encode(one), StoreText.encode(two));
    assertEquals(Integer.signum(one.compareTo(two)), Integer.signum(bytes));
  }

  @Provide
  Arbitrary<String> names() {
    return Arbitraries.strings().filter(text -> !text.isEmpty() && text.indexOf(0) < 0);
  }

  @Test
  void aForeignTagIsNotOurs() {
    assertFalse(IndexEntry.isTag("index.put"));
    assertFalse(IndexEntry.isTag("run-started"));
    assertThrows(IllegalArgumentException.class, () -> IndexEntry.fromTag("run-started"));
    assertThrows(IllegalArgumentException.class, () -> IndexEntry.fromTag("index.put\0space\0key"));
  }

  @Test
  void nulInANameIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> new IndexEntry.Put("a\0b", "c", ""));
    assertThrows(IllegalArgumentException.class, () -> new IndexEntry.Put("a", "b\0c", ""));
    assertThrows(IllegalArgumentException.class, () -> new IndexEntry.Remove("", "c"));
  }
}
