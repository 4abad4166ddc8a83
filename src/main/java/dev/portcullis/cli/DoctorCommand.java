package dev.portcullis.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.portcullis.config.ConfigFault;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "doctor", mixinStandardHelpOptions = true,
    description = "Checks what the gateway needs: one line each, exit code 1 if one fails.")
final class DoctorCommand implements Callable<Integer> {
  private static final int JAVA = 25;

  private final Console console;

  @Mixin private SettingsOptions settings = new SettingsOptions();

  @Option(names = "--json", description = "Prints one JSON object per check.")
  private boolean json;

  DoctorCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    var findings = new ArrayList<Finding>();
    findings.add(java());
    findings.addAll(afterSettings());
    findings.forEach(this::print);
    return findings.stream().allMatch(Finding::sound) ? 0 : 1;
  }

  private static Finding java() {
    return Runtime.version().feature() >= JAVA
        ? Finding.sound("java", Runtime.version() + " in " + System.getProperty("java.home"))
        : Finding.broken("java", Runtime.version() + " is too old; install Java " + JAVA
            + " and set JAVA_HOME");
  }

  /** Without settings there is nothing else to look at. */
  private List<Finding> afterSettings() {
    var findings = new ArrayList<Finding>();
    try {
      var config = settings.read(console);
      findings.add(Finding.sound("config", config.agents().size() + " agents, " + config.declared().size()
          + " declared harnesses"));
      var directory = new DataCheck(config);
      findings.addAll(directory.findings());
      config.declared().values().forEach(harness -> findings.add(HarnessCheck.of(harness, console.env())));
      findings.addAll(new PortCheck(config, directory.running()).findings());
      findings.add(UnitCheck.of(config, Path.of(console.home())));
    } catch (ConfigFault fault) {
      findings.add(Finding.broken("config", fault.getMessage()));
    }
    return findings;
  }

  private void print(Finding finding) {
    console.line(json
        ? JsonNodeFactory.instance.objectNode()
            .put("check", finding.check())
            .put("sound", finding.sound())
            .put("detail", finding.detail())
            .toString()
        : String.format("%-4s  %-18s %s", finding.sound() ? "ok" : "FAIL", finding.check(),
            Table.printable(finding.detail())));
  }
}
