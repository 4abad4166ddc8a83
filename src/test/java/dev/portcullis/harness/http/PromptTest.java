package dev.portcullis.harness.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.AttemptSpec.Interruption;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.protocol.Message;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class PromptTest {
  private static AttemptSpec spec(List<Message> transcript, String message, Interruption interruption) {
    return new AttemptSpec("c", "run", 1, Path.of("/"), message, transcript, "", interruption);
  }

  private static AttemptSpec spec(List<Message> transcript, String message) {
    return spec(transcript, message, new Interruption.None());
  }

  @Provide Arbitrary<List<Message>> transcripts() {
    var role = Arbitraries.of("user", "assistant", "system");
    var text = Arbitraries.strings().alpha().numeric().withChars(" \näß漢🦊").ofMaxLength(120);
    return Combinators.combine(role, text).as(Message::new).list().ofMaxSize(20);
  }

  @Property
  void whatIsSentFitsAndIsTheNewestOfTheConversation(
      @ForAll("transcripts") List<Message> transcript, @ForAll @IntRange(min = 1, max = 700) int budget) {
    var spec = spec(transcript, "the newest message");
    Prompt prompt;
    try {
      prompt = Prompt.of(spec, "Be brief.", budget);
    } catch (HarnessFault fault) {
      assertEquals(HarnessFault.Code.CONTEXT_LENGTH, fault.code());
      return;
    }

    var messages = prompt.messages();
    long bytes = (prompt.system() + messages.stream().map(Message::text).reduce("", String::concat))
        .getBytes(StandardCharsets.UTF_8).length;
    assertTrue(bytes <= 3L * budget, () -> bytes + " bytes for " + budget + " tokens");
    assertEquals(new Message("user", "the newest message"), messages.getLast());
    assertEquals("user", messages.getFirst().role());
    var spoken = transcript.stream().filter(message -> !message.role().equals("system"))
        .filter(message -> !message.text().isBlank()).toList();
    var kept = messages.subList(0, messages.size() - 1);
    assertEquals(spoken.subList(spoken.size() - kept.size(), spoken.size()), kept);
    assertTrue(prompt.system().startsWith("Be brief."));
    transcript.stream().filter(message -> message.role().equals("system"))
        .forEach(message -> assertTrue(prompt.system().contains(message.text())));
  }

  @Test void theOldestMessagesAreLeftOutFirstAndNoAnswerStandsWithoutItsQuestion() {
    var long100 = "x".repeat(300);
    var transcript = List.of(new Message("user", "one " + long100), new Message("assistant", "two " + long100),
        new Message("user", "three"), new Message("assistant", "four"));

    assertEquals(5, Prompt.of(spec(transcript, "five"), "", 400).messages().size());
    var cut = Prompt.of(spec(transcript, "five"), "", 200).messages();
    assertEquals(List.of("three", "four", "five"), cut.stream().map(Message::text).toList());
  }

  @Test void aMessageThatAloneIsTooLongIsRefusedWithASentence() {
    var fault = assertThrows(HarnessFault.class,
        () -> Prompt.of(spec(List.of(), "x".repeat(3_000)), "Be brief.", 500));

    assertEquals(HarnessFault.Code.CONTEXT_LENGTH, fault.code());
    assertTrue(fault.getMessage().matches("the message and the instructions alone are longer .*at most 500.*"),
        fault.getMessage());
  }

  @Test void textThatCostsATokenPerCharacterIsCountedSo() {
    assertTrue(Prompt.tokens("漢字".repeat(100)) >= 200);
    assertTrue(Prompt.tokens("word ".repeat(100)) <= 180);
  }

  @Test
  @Tag("INV-M4")
  void anAttemptAfterACutOneIsToldAndIsGivenTheWholeMessageAgain() {
    var cut = new Interruption.Cut("crash", List.of(), List.of());

    var text = Prompt.of(spec(List.of(), "count to ten", cut), "", 1_000).messages().getLast().text();

    assertTrue(text.startsWith("Note from the gateway: your answer to the message below was cut off (crash)"), text);
    assertTrue(text.endsWith("\n\ncount to ten"), text);
  }
}
