package dev.portcullis.ingress.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ChatTextTest {
  private final ChatText text = new ChatText();

  @Test
  void oneAttemptsPiecesGoOutAsTheyCome() {
    assertEquals("ab", text.next(1, "ab"));
    assertEquals("c", text.next(1, "c"));
  }

  @Test
  void aNewerAttemptThatSaysTheSameSendsOnlyWhatGoesBeyond() {
    text.next(1, "hello w");
    assertEquals("", text.next(2, "hel"));
    assertEquals("", text.next(2, "lo "));
    assertEquals("orld", text.next(2, "world"));
    assertEquals("!", text.next(2, "!"));
  }

  @Test
  void aNewerAttemptThatDiffersIsSentWholeBehindTheOlder() {
    text.next(1, "hello");
    assertEquals("", text.next(2, "he"));
    assertEquals("heart", text.next(2, "art"));
    assertEquals("s", text.next(2, "s"));
    assertEquals("", text.next(3, "hearts"));
    assertEquals(" beat", text.next(3, " beat"));
  }

  @Test
  void aPieceOfASupersededAttemptIsDropped() {
    text.next(2, "new");
    assertEquals("", text.next(1, "old"));
    assertEquals("er", text.next(2, "er"));
  }

  @Test
  void halfACharacterWaitsForItsOtherHalf() {
    assertEquals("a", text.next(1, "a\ud83d"));
    assertEquals("\ud83d\ude00b", text.next(1, "\ude00b"));
  }

  @Test
  void halfAnEmojiOfASupersededTextIsNotSentBeforeTheNewOne() {
    assertEquals("so ", text.next(1, "so \ud83d"));
    assertEquals("no", text.replaced(1, "no"));
  }
}
