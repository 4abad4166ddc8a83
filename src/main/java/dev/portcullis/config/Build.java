package dev.portcullis.config;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * What this program is, as the build wrote it into the jar. {@code commit} is {@code unknown} outside a
 * repository.
 */
public record Build(String version, String commit) {
  /** The build that is running. */
  public static Build current() {
    var properties = new Properties();
    try (var in = Build.class.getResourceAsStream("/portcullis-build.properties")) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    var commit = properties.getProperty("commit");
    return new Build(properties.getProperty("version"), commit.startsWith("${") ? "unknown" : commit);
  }
}
