package dev.portcullis.ingress;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.portcullis.config.ConfigFault;
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
import java.util.random.RandomGenerator;

/** {@code <data>/token}: the first principal's token, one line, readable by its owner alone. */
public final class TokenFile {
  private static final String NAME = "token";
  private static final Set<PosixFilePermission> OWNER =
      EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

  private TokenFile() {}

  /**
   * Reads the token, or makes one at the first start. The file appears whole or not at all.
   *
   * @param random a cryptographically strong one
   * @throws ConfigFault when the file is too short to be a token or readable by others
   */
  public static Token open(Path data, RandomGenerator random) throws IOException {
    Files.createDirectories(data, mode("rwx------"));
    var file = data.resolve(NAME);
    if (!Files.exists(file)) {
      create(data, file, Token.fresh(random));
    }
    if (!OWNER.containsAll(Files.getPosixFilePermissions(file))) {
      throw ConfigFault.of("portcullis.data", "others may read " + file + "; run chmod 600 on it");
    }
    var text = Files.readString(file, StandardCharsets.UTF_8).strip();
    if (!text.matches("[\\x21-\\x7e]{32,}")) {
      throw ConfigFault.of("portcullis.data", file + " holds no token; remove it and a new one is made");
    }
    return Token.of(text);
  }

  private static void create(Path data, Path file, Token token) throws IOException {
    var draft = data.resolve(NAME + ".new");
    Files.deleteIfExists(draft); // Left by a start that was killed here.
    try (var channel = FileChannel.open(draft, Set.of(CREATE_NEW, WRITE), mode("rw-------"))) {
      channel.write(ByteBuffer.wrap((token.reveal() + "\n").getBytes(StandardCharsets.UTF_8)));
      channel.force(true);
    }
    Files.move(draft, file, ATOMIC_MOVE);
  }

  private static FileAttribute<Set<PosixFilePermission>> mode(String mode) {
    return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode));
  }
}
