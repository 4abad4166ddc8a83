package dev.portcullis.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(name = "token", mixinStandardHelpOptions = true, description = "Credentials of this data directory.")
final class TokenCommand implements Runnable {
  private final Console console;

  @Spec private CommandSpec spec;

  TokenCommand(Console console) {
    this.console = console;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Say what to do: show.");
  }

  @Command(name = "show", mixinStandardHelpOptions = true,
      description = "Prints the first principal's token.")
  int show(@Mixin SettingsOptions settings) {
    console.line(GatewayOptions.fileToken(settings.read(console).data()));
    return 0;
  }
}
