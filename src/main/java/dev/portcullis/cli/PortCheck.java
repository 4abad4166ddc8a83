package dev.portcullis.cli;

import dev.portcullis.config.GatewayConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;

/**
 * Whether the gateway can listen where it is told to. {@code running}: our own gateway is up, and may hold
 * the ports.
 */
record PortCheck(GatewayConfig config, boolean running) {
  List<Finding> findings() {
    return List.of(
        of("port http", config.http().host(), config.http().port(), "--port"),
        of("port management", config.management().host(), config.management().port(), "--management-port"));
  }

  private Finding of(String check, String host, int port, String option) {
    var place = host + ":" + port;
    if (port == 0) {
      return Finding.sound(check, "any free one");
    }
    try (var socket = new ServerSocket(port, 1, InetAddress.getByName(host))) {
      return Finding.sound(check, socket.getInetAddress().getHostAddress() + ":" + port + " is free");
    } catch (IOException taken) {
      return running
          ? Finding.sound(check, place + " is in use while our gateway runs")
          : Finding.broken(check, place + " cannot be bound; stop what listens there, or choose another with "
              + option);
    }
  }
}
