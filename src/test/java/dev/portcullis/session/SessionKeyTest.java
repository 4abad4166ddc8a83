package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SessionKeyTest {
  @ParameterizedTest
  @ValueSource(strings = {
      "", "main", "agent:", "agent::main", "agent:main", "agent:main:", "agent:-a:x", "agent:a/b:x", "agent:a b:x",
      "Agent:main:x", "agent:main:a\nb", "agent:main:a\0b", "agent:main:\t", "agent:main:\u0085", "agent:main:\ud800",
      "agent:main:a\udc00b", "agent:main:\udc00\ud800",
      "agent:a234567890123456789012345678901234567890123456789012345678901234x:y"})
  void hostileKeysAreNotTaken(String key) {
    assertEquals(Optional.empty(), SessionKey.parse(key));
    assertThrows(IllegalArgumentException.class, () -> new SessionKey(key));
  }

  @ParameterizedTest
  @ValueSource(strings = {
      "agent:main:main", "agent:main:../../etc/passwd", "agent:main:agent:main:main",
      "agent:main:telegram:group:-1:topic:2",
      "agent:a.b_c-9:x", "agent:main:\ud83d\ude00", "agent:main:grüße", "agent:main: "})
  void externalNamesAreTakenAsTheyAre(String key) {
    var parsed = SessionKey.parse(key).orElseThrow();
    assertEquals(key, parsed.text());
    assertTrue(parsed.entityId().matches("[0-9a-z]{26}"), parsed.entityId());
  }

  @Test
  void aKeyMayHave512CharactersAndNoMore() {
    assertTrue(SessionKey.parse("agent:main:" + "x".repeat(501)).isPresent());
    assertTrue(SessionKey.parse("agent:main:" + "x".repeat(502)).isEmpty());
  }

  @Test
  void theAgentIsTheSecondPart() {
    assertEquals("ops", new SessionKey("agent:ops:agent:main:main").agent());
  }

  @Test
  void theEntityIdIsOnDiskForEver() {
    assertEquals("dp91fzkqrzrhv769janbx0d2t2", new SessionKey("agent:main:main").entityId());
  }

  @Property
  void whatParsesHasAStableEntityIdOfTwentySixCharacters(@ForAll String rest) {
    SessionKey.parse("agent:main:" + rest).ifPresent(key -> {
      assertEquals(key.entityId(), new SessionKey(key.text()).entityId());
      assertTrue(key.entityId().matches("[0-9a-z]{26}"));
    });
  }

  @Property(tries = 20)
  void keysDoNotMeetInOneEntity(@ForAll @IntRange(min = 0) int from) {
    var seen = new HashMap<String, String>();
    for (int i = 0; i < 2_000; i++) {
      var key = "agent:main:user-" + ((long) from + i);
      var other = seen.put(new SessionKey(key).entityId(), key);
      assertEquals(null, other, key);
    }
  }

  @Test
  void base32TakesFiveBitsFromTheLeft() {
    assertEquals("zz", SessionKey.base32(new byte[] {-1, -1}, 2));
    assertEquals("04", SessionKey.base32(new byte[] {1, 0}, 2));
    assertEquals("00g", SessionKey.base32(new byte[] {0, 32}, 3));
  }
}
