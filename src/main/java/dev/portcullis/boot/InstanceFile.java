package dev.portcullis.boot;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.random.RandomGenerator;

/**
 * {@code <data>/instance}: names the data directory for ever, where the journal itself cannot because others
 * share it.
 */
final class InstanceFile {
  private InstanceFile() {}

  /** Reads the name, or makes one at the first start. The file appears whole or not at all. */
  static String open(Path data, RandomGenerator random) throws IOException {
    var file = data.resolve("instance");
    if (!Files.exists(file)) {
      Files.createDirectories(
          data, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      var draft = Files.writeString(data.resolve("instance.new"), Long.toHexString(random.nextLong()));
      Files.move(draft, file, ATOMIC_MOVE);
    }
    return Files.readString(file).strip();
  }
}
