package dev.portcullis.cli;

import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "serve", mixinStandardHelpOptions = true, description = "Runs the gateway in the foreground.",
    footer = {"",
        "Exit code: 0 clean, 70 bug, 73 cannot create data, 74 journal or disk, 75 temporary,",
        "76 lost its lease, 77 permissions, 78 configuration."})
final class ServeCommand implements Callable<Integer> {
  private final Console console;
  private final Server server;

  @Mixin private SettingsOptions settings = new SettingsOptions();

  @Option(names = "--port", paramLabel = "N", description = "Ingress port; 0 takes any free one.")
  private String port = "";

  @Option(names = "--management-port", paramLabel = "N",
      description = "Management port; 0 takes any free one.")
  private String managementPort = "";

  ServeCommand(Console console, Server server) {
    this.console = console;
    this.server = server;
  }

  @Override
  public Integer call() {
    var sets = new LinkedHashMap<String, String>();
    if (!port.isEmpty()) {
      sets.put("portcullis.http.port", port);
    }
    if (!managementPort.isEmpty()) {
      sets.put("portcullis.management.port", managementPort);
    }
    return server.run(new ServeOptions(settings.source(console), settings.sets(sets)));
  }
}
