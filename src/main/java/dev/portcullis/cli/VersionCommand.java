package dev.portcullis.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.portcullis.config.Build;
import java.util.concurrent.Callable;
import org.apache.pekko.Version;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "version", mixinStandardHelpOptions = true,
    description = "Prints version, commit, Java and Pekko.")
final class VersionCommand implements Callable<Integer> {
  private final Console console;

  @Option(names = "--json", description = "As JSON.")
  private boolean json;

  VersionCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    var build = Build.current();
    var java = Runtime.version().toString();
    console.line(json
        ? JsonNodeFactory.instance.objectNode()
            .put("version", build.version())
            .put("commit", build.commit())
            .put("java", java)
            .put("pekko", Version.current())
            .toString()
        : "portcullis " + build.version() + " (commit " + build.commit() + ", Java " + java + ", Pekko "
            + Version.current() + ")");
    return 0;
  }
}
