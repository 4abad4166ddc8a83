package dev.portcullis.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "runs", mixinStandardHelpOptions = true,
    description = "Shows, follows, aborts or resumes one run, or answers what it asks.")
final class RunsCommand implements Runnable {
  private final Console console;
  private final Patience patience;

  @Spec private CommandSpec spec;

  RunsCommand(Console console, Patience patience) {
    this.console = console;
    this.patience = patience;
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "Say what to do: show, tail, abort, resume, allow or deny.");
  }

  @Command(name = "show", mixinStandardHelpOptions = true, description = "Shows one run.")
  int show(
      @Mixin GatewayOptions gateway,
      @Option(names = "--json", description = "Prints the gateway's own answer.") boolean json,
      @Parameters(paramLabel = "ID", description = "The run.") String id) {
    var run = gateway.connect(console).get(path(id));
    if (json) {
      console.line(run.toString());
    } else {
      print(run);
    }
    return 0;
  }

  @Command(name = "tail", mixinStandardHelpOptions = true,
      description = "Prints a run's answer from the beginning and follows it to its end.")
  int tail(
      @Mixin GatewayOptions gateway,
      @Option(names = "--json", description = "Prints the events, one JSON object per line.") boolean json,
      @Option(names = "--after", paramLabel = "N", defaultValue = "0",
          description = "Leaves out the first N events.") long after,
      @Parameters(paramLabel = "ID", description = "The run.") String id) {
    Consumer<SseFrames.Frame> printer =
        json ? frame -> console.line(frame.data().toString()) : new AnswerPrinter(console, id);
    return new RunTail(gateway.connect(console), console, patience, printer).follow(id, after, false);
  }

  @Command(name = "abort", mixinStandardHelpOptions = true,
      description = "Ends a run for good; what it wrote is kept.")
  int abort(
      @Mixin GatewayOptions gateway,
      @Option(names = "--json", description = "Prints the gateway's own answer.") boolean json,
      @Parameters(paramLabel = "ID", description = "The run.") String id) {
    return order(gateway, json, id, "/abort");
  }

  @Command(name = "resume", mixinStandardHelpOptions = true,
      description = "Goes on with an interrupted or parked run.")
  int resume(
      @Mixin GatewayOptions gateway,
      @Option(names = "--json", description = "Prints the gateway's own answer.") boolean json,
      @Parameters(paramLabel = "ID", description = "The run.") String id) {
    return order(gateway, json, id, "/resume");
  }

  @Command(name = "allow", mixinStandardHelpOptions = true,
      description = "The same as approvals allow.")
  int allow(
      @Mixin GatewayOptions gateway,
      @Parameters(paramLabel = "ID", description = "The run.") String id,
      @Parameters(paramLabel = "APPROVAL", description = "What it asked.") String approval) {
    return ApprovalsCommand.decide(
        console, gateway.connect(console), approvalPath(id, approval), approval, "allow");
  }

  @Command(name = "deny", mixinStandardHelpOptions = true,
      description = "The same as approvals deny.")
  int deny(
      @Mixin GatewayOptions gateway,
      @Parameters(paramLabel = "ID", description = "The run.") String id,
      @Parameters(paramLabel = "APPROVAL", description = "What it asked.") String approval) {
    return ApprovalsCommand.decide(
        console, gateway.connect(console), approvalPath(id, approval), approval, "deny");
  }

  private int order(GatewayOptions gateway, boolean json, String id, String order) {
    var answer = gateway.connect(console).post(path(id) + order, JsonNodeFactory.instance.objectNode());
    console.line(json ? answer.toString() : "run " + id + " is " + answer.path("status").asText("unknown"));
    return 0;
  }

  private void print(JsonNode run) {
    console.line("run       " + run.path("id").asText());
    console.line("session   " + Table.printable(run.path("sessionKey").asText()));
    console.line("agent     " + run.path("agent").asText() + " on " + run.path("harness").asText("-"));
    console.line("status    " + run.path("status").asText() + ", attempts " + run.path("attempts").asLong());
    console.line("accepted  " + Times.ago(run.path("acceptedAt").asText(""), console.clock()));
    if (run.path("endedAt").isTextual()) {
      console.line("ended     " + Times.ago(run.path("endedAt").asText(), console.clock()));
    }
    if (run.path("resumePending").isObject()) {
      console.line("pending   resumes after " + run.path("resumePending").path("reason").asText());
    }
    if (run.path("parked").isObject()) {
      console.line("parked    " + run.path("parked").path("reason").asText());
    }
    if (run.hasNonNull("steeredInto")) {
      console.line("went into " + run.path("steeredInto").asText());
    }
    if (run.path("error").isObject()) {
      console.line("error     " + Table.printable(AnswerPrinter.failure(run.path("error"))));
    }
    run.path("approvals").forEach(asked -> console.line(
        "asks      " + Shown.line(asked.path("id").asText() + "  " + asked.path("title").asText())));
    run.path("steps").forEach(step -> console.line(
        "step      " + step.path("state").asText("-") + "  "
            + Table.printable(step.path("title").asText(""))));
    if (!run.path("text").asText("").isEmpty()) {
      console.line("");
      console.line(run.path("text").asText());
    }
  }

  private static String approvalPath(String id, String approval) {
    return path(id) + "/approvals/" + GatewayClient.segment(approval);
  }

  private static String path(String id) {
    return "/api/v1/runs/" + GatewayClient.segment(id);
  }
}
