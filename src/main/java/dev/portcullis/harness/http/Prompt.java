package dev.portcullis.harness.http;

import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.AttemptSpec.Interruption;
import dev.portcullis.harness.AttemptSpec.Message;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What a model is sent: an attempt, cut to what the model takes.
 *
 * @param system may be empty
 * @param messages of user and assistant, oldest first; the first and the last one are a user's
 */
public record Prompt(String system, List<Message> messages) {
  private static final int BYTES_OF_A_TOKEN = 3;
  /** What a message costs besides its text: its role and its borders. */
  private static final int TOKENS_OF_A_MESSAGE = 8;

  public Prompt {
    messages = List.copyOf(messages);
  }

  /**
   * Leaves out the oldest messages that do not fit into {@code contextTokens}; never what the system says,
   * nor the newest message.
   *
   * @throws HarnessFault {@code CONTEXT_LENGTH} when those two alone do not fit
   */
  static Prompt of(AttemptSpec spec, String instructions, int contextTokens) {
    var system = new ArrayList<String>();
    var earlier = new ArrayList<Message>();
    if (!instructions.isBlank()) {
      system.add(instructions);
    }
    for (var message : spec.transcript()) {
      if (message.role().equals("system")) {
        system.add(message.text());
      } else if (!message.text().isBlank()) { // An answer that was cut off before a word of it came.
        earlier.add(message);
      }
    }
    var newest = new Message("user", note(spec.interruption()) + spec.message());
    var told = String.join("\n\n", system);
    long left = contextTokens - tokens(told) - tokens(newest.text());
    if (left < 0) {
      throw HarnessFault.of(Code.CONTEXT_LENGTH, "the message and the instructions alone are longer than the"
          + " model takes (about " + (contextTokens - left) + " tokens, of at most " + contextTokens + ")");
    }
    return new Prompt(told, newest(earlier, newest, left));
  }

  private static List<Message> newest(List<Message> earlier, Message newest, long tokens) {
    var kept = new ArrayList<>(List.of(newest));
    long left = tokens;
    for (var message : earlier.reversed()) {
      left -= tokens(message.text());
      if (left < 0) {
        break;
      }
      kept.add(message);
    }
    while (!kept.getLast().role().equals("user")) { // An answer without its question says the wrong thing.
      kept.removeLast();
    }
    Collections.reverse(kept);
    return kept;
  }

  /**
   * More than any tokenizer makes of ordinary text: counted in bytes, because one of the characters that take
   * three of them is a token of its own often enough.
   */
  static long tokens(String text) {
    long bytes = text.chars().mapToLong(unit -> unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3).sum();
    return TOKENS_OF_A_MESSAGE + (bytes + BYTES_OF_A_TOKEN - 1) / BYTES_OF_A_TOKEN;
  }

  /** A model does nothing, so no step of it can be half done; and what it had said is thrown away. */
  private static String note(Interruption interruption) {
    return switch (interruption) {
      case Interruption.None _ -> "";
      case Interruption.Cut(var cause, _, _) -> "Note from the gateway: your answer to the message below was"
          + " cut off (" + cause + "), and nothing of it is kept. Answer it from the beginning; this is not a"
          + " new request.\n\nThe message:\n\n";
    };
  }
}
