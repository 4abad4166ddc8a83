package dev.portcullis.ingress;

import dev.portcullis.config.ConfigFault;
import dev.portcullis.config.CredentialsFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.random.RandomGenerator;

/** {@code <data>/token}: the first principal's token, one line, readable by its owner alone. */
public final class TokenFile {
  private TokenFile() {}

  /**
   * Reads the token, or makes one at the first start. The file appears whole or not at all.
   *
   * @param random a cryptographically strong one
   * @throws ConfigFault when the file is too short to be a token or readable by others
   */
  public static Token open(Path data, RandomGenerator random) throws IOException {
    var file = new CredentialsFile(data);
    if (!file.hasToken()) {
      file.writeToken(CredentialsFile.freshToken(random));
    }
    return Token.of(file.readToken());
  }
}
