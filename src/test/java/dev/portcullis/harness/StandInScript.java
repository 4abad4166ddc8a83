package dev.portcullis.harness;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.ModelDialect.Asked;
import dev.portcullis.harness.ModelDialect.Finish;
import dev.portcullis.harness.ModelDialect.ToolCall;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** What a stand-in model does, decided by the directives in the user's message: see {@link StandInModel}. */
sealed interface StandInScript {
  record Answer(List<String> pieces, long pauseMillis, Optional<ToolCall> call, Finish finish, Ending ending)
      implements StandInScript {
    String text() {
      return String.join("", pieces);
    }
  }

  record Refusal(int status) implements StandInScript {}

  /** How an answer stops, after how many of its pieces. */
  sealed interface Ending {
    int after();

    record Whole() implements Ending {
      @Override
      public int after() {
        return Integer.MAX_VALUE;
      }
    }

    record Cut(int after) implements Ending {}

    record Error(int after) implements Ending {}
  }

  ObjectMapper JSON = new ObjectMapper();
  Pattern DIRECTIVE = Pattern.compile(
      "\\[\\[(say|slow|long|length|shell|tool|history|error|cut|stream-error)(?: ((?:(?!]]).)*))?]]",
      Pattern.DOTALL);
  /** What agents call the tool that runs a command. */
  List<String> SHELLS =
      List.of("Bash", "bash", "shell", "shell_command", "exec_command", "run_shell_command");
  String KILOBYTE = "0123456789abcde ".repeat(64);

  static boolean directs(String message) {
    return DIRECTIVE.matcher(message).find();
  }

  /** @param before how often the same message was asked before */
  static StandInScript of(Asked asked, int before) {
    var ending = (Ending) new Ending.Whole();
    var verb = "say";
    var rest = "ok";
    var matcher = DIRECTIVE.matcher(asked.userMessages().isEmpty() ? "" : asked.userMessages().getLast());
    while (matcher.find()) {
      var words = Optional.ofNullable(matcher.group(2)).orElse("").strip();
      switch (matcher.group(1)) {
        case "cut" -> ending = new Ending.Cut(Integer.parseInt(words));
        case "stream-error" -> ending = new Ending.Error(words.isEmpty() ? 1 : Integer.parseInt(words));
        case String other -> {
          verb = other;
          rest = words;
        }
      }
    }
    if (asked.toolSaid().isPresent()) {
      return said(List.of("The tool said: ", asked.toolSaid().get().strip()), 0, new Ending.Whole());
    }
    var numbers = rest.split(" ");
    return switch (verb) {
      case "slow" -> said(
          IntStream.rangeClosed(1, Integer.parseInt(numbers[0])).mapToObj(i -> "part" + i + " ").toList(),
          Long.parseLong(numbers[1]), ending);
      case "long" -> said(
          IntStream.range(0, Integer.parseInt(numbers[0])).mapToObj(_ -> KILOBYTE).toList(), 0, ending);
      case "length" -> new Answer(words(rest), 0, Optional.empty(), Finish.LENGTH, ending);
      case "shell" -> shell(asked, rest, ending);
      case "tool" -> calling(new ToolCall(numbers[0], parse(rest.substring(numbers[0].length()))), ending);
      case "history" -> said(List.of("users=" + asked.userMessages().size(),
          " assistants=" + asked.assistantMessages()), 0, ending);
      case "error" -> numbers.length > 1 && before >= Integer.parseInt(numbers[1])
          ? said(List.of("recovered"), 0, ending)
          : new Refusal(Integer.parseInt(numbers[0]));
      default -> said(words(rest), 0, ending);
    };
  }

  private static List<String> words(String text) {
    return List.of(text.split("(?<=\\s)(?=\\S)"));
  }

  private static Answer said(List<String> pieces, long pauseMillis, Ending ending) {
    return new Answer(pieces, pauseMillis, Optional.empty(), Finish.STOP, ending);
  }

  private static Answer calling(ToolCall call, Ending ending) {
    return new Answer(List.of("I will ", "run the ", "scripted tool."), 0, Optional.of(call), Finish.TOOL, ending);
  }

  private static Answer shell(Asked asked, String command, Ending ending) {
    return SHELLS.stream().filter(asked.tools()::containsKey).findFirst()
        .map(name -> calling(new ToolCall(name, arguments(asked.tools().get(name), command)), ending))
        .orElseGet(() -> said(List.of("no shell among ", asked.tools().keySet().toString()), 0, ending));
  }

  /** Every agent describes its shell tool a little differently. */
  private static ObjectNode arguments(JsonNode schema, String command) {
    var properties = schema.path("properties");
    var arguments = ModelDialect.object();
    if (properties.has("cmd")) {
      arguments.put("cmd", command);
    } else if (properties.path("command").path("type").asText().equals("array")) {
      arguments.putArray("command").add("bash").add("-lc").add(command);
    } else {
      arguments.put("command", command);
    }
    if (properties.has("description")) {
      arguments.put("description", "run the scripted command");
    }
    return arguments;
  }

  private static ObjectNode parse(String arguments) {
    try {
      return (ObjectNode) JSON.readTree(arguments);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not a JSON object: " + arguments, e);
    }
  }
}
