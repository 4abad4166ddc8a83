package dev.portcullis.config;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;

/** A file of the data directory that only its owner may read, and that changes whole or not at all. */
public record PrivateFile(Path path) {
  private static final Set<PosixFilePermission> OWNER =
      EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

  public boolean exists() {
    return Files.exists(path);
  }

  /** @throws ConfigFault when others may read it */
  public String read() throws IOException {
    if (!OWNER.containsAll(Files.getPosixFilePermissions(path))) {
      throw ConfigFault.of("portcullis.data", "others may read " + path + "; run chmod 600 on it");
    }
    return Files.readString(path, StandardCharsets.UTF_8);
  }

  /** Makes its directory, too. Once this returns, the text is on the disk; else all of it or nothing. */
  public void replace(String text) throws IOException {
    Files.createDirectories(path.getParent(), mode("rwx------"));
    var draft = path.resolveSibling(path.getFileName() + ".new");
    Files.deleteIfExists(draft); // Left by somebody who was killed here.
    try {
      write(draft, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
      Files.move(draft, path, ATOMIC_MOVE);
    } catch (IOException failed) {
      Files.deleteIfExists(draft);
      throw failed;
    }
    try (var directory = FileChannel.open(path.getParent())) {
      directory.force(true); // Else a revoked credential could be back after a power cut.
    }
  }

  private static void write(Path draft, ByteBuffer bytes) throws IOException {
    try (var channel = FileChannel.open(draft, Set.of(CREATE_NEW, WRITE), mode("rw-------"))) {
      while (bytes.hasRemaining()) { // A full disk takes a part, and refuses the rest.
        channel.write(bytes);
      }
      channel.force(true);
    }
  }

  private static FileAttribute<Set<PosixFilePermission>> mode(String mode) {
    return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode));
  }
}
