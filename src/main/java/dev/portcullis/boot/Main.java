package dev.portcullis.boot;

import dev.portcullis.cli.Portcullis;

/** The program: the command line, with the gateway as its {@code serve}. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) {
    System.exit(Portcullis.run(new GatewayServer(), arguments));
  }
}
