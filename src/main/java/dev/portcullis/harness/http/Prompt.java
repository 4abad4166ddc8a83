package dev.portcullis.harness.http;

import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.AttemptSpec.Interruption;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.Toolbox;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What a model is sent: an attempt, cut to what the model takes.
 *
 * @param system may be empty
 * @param messages of user, assistant and tool, oldest first; every call is followed by its result
 * @param tools that it may want to be called
 */
public record Prompt(String system, List<Message> messages, Toolbox tools) {
  private static final int BYTES_OF_A_TOKEN = 3;
  /** What a message costs besides its text: its role and its borders. */
  private static final int TOKENS_OF_A_MESSAGE = 8;
  /** What the vendors say that a large image costs, which they scale down to that. */
  private static final int TOKENS_OF_AN_IMAGE = 1_600;

  public Prompt {
    messages = List.copyOf(messages);
  }

  public Prompt(String system, List<Message> messages) {
    this(system, messages, Toolbox.EMPTY);
  }

  /**
   * Leaves out the oldest messages that do not fit into {@code contextTokens}; never what the system says,
   * nor the newest message and what it answers.
   *
   * @throws HarnessFault {@code CONTEXT_LENGTH} when those alone do not fit
   */
  static Prompt of(AttemptSpec spec, String instructions, int contextTokens) {
    var system = new ArrayList<String>();
    var spoken = new ArrayList<Message>();
    if (!instructions.isBlank()) {
      system.add(instructions);
    }
    for (var message : spec.transcript()) {
      if (message.role().equals("system")) {
        system.add(message.text());
      } else if (!message.isEmpty()) { // An answer that was cut off before a word of it came.
        spoken.add(shown(message));
      }
    }
    var input = spec.input();
    input.results().forEach(result -> spoken.add(Message.of(result)));
    if (input.results().isEmpty() || !spec.message().isEmpty() || !input.images().isEmpty()) {
      spoken.add(Message.user(note(spec.interruption()) + spec.message(), input.images()));
    }
    var messages = Calls.paired(spoken);
    int newest = newest(messages, !input.results().isEmpty());
    var told = String.join("\n\n", system);
    long left = contextTokens - tokens(told) - tokens(input.tools())
        - messages.subList(newest, messages.size()).stream().mapToLong(Prompt::tokens).sum();
    if (left < 0) {
      throw HarnessFault.of(Code.CONTEXT_LENGTH, "the message and the instructions alone are longer than the"
          + " model takes (about " + (contextTokens - left) + " tokens, of at most " + contextTokens + ")");
    }
    return new Prompt(told, fitting(messages, newest, left), input.tools());
  }

  /** For a server that takes no calls where it is offered no functions. */
  public Prompt inWords() {
    return new Prompt(system, messages.stream().map(Calls::inWords).toList(), tools);
  }

  /** Of an image that the journal no longer hands out there is only the word. */
  private static Message shown(Message message) {
    var images = message.images().stream().filter(image -> !image.data().isEmpty()).toList();
    int gone = message.images().size() - images.size();
    return gone == 0 ? message
        : Message.user(message.text() + "\n[an earlier image, left out]".repeat(gone), images);
  }

  /** Where what must be sent begins; results mean nothing without what was asked. */
  private static int newest(List<Message> messages, boolean results) {
    int newest = messages.size() - 1;
    if (results && messages.get(newest).role().equals("user")) {
      newest--;
    }
    while (newest > 0 && !messages.get(newest).role().equals("user")) {
      newest--;
    }
    return newest;
  }

  private static List<Message> fitting(List<Message> messages, int newest, long tokens) {
    var kept = new ArrayList<>(messages.subList(newest, messages.size()).reversed());
    int must = kept.size();
    long left = tokens;
    for (var message : messages.subList(0, newest).reversed()) {
      left -= tokens(message);
      if (left < 0) {
        break;
      }
      kept.add(message);
    }
    // An answer without its question says the wrong thing.
    while (kept.size() > must && !kept.getLast().role().equals("user")) {
      kept.removeLast();
    }
    Collections.reverse(kept);
    return kept;
  }

  private static long tokens(Message message) {
    return tokens(message.text())
        + (long) TOKENS_OF_AN_IMAGE * message.images().size()
        + message.calls().stream().mapToLong(call -> tokens(call.name() + call.arguments())).sum();
  }

  private static long tokens(Toolbox tools) {
    return tools.tools().stream()
        .mapToLong(tool -> tokens(tool.name() + tool.description() + tool.parameters()))
        .sum();
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
