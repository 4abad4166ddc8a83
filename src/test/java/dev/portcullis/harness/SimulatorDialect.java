package dev.portcullis.harness;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;

/** The protocol that a simulated agent speaks. */
interface SimulatorDialect {
  /** Takes one message of the host; turns are played by {@link Simulator#play}. */
  void receive(JsonNode message) throws IOException;
}
