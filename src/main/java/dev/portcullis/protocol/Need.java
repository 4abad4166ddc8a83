package dev.portcullis.protocol;

/** What of a turn not every harness can take. Written to disk: a constant keeps its name for ever. */
public enum Need {
  IMAGES, TOOLS
}
