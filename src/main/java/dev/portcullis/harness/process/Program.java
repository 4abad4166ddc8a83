package dev.portcullis.harness.process;

import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;

/** Looks programs up as a shell does. */
public final class Program {
  private Program() {}

  /**
   * The file that would be run.
   *
   * @param command a name to look up, or a path
   * @param path directories, as in the variable PATH
   * @throws HarnessFault {@code NOT_FOUND} naming the command
   */
  public static Path find(String command, String path) {
    if (command.indexOf('/') >= 0) {
      var file = Path.of(command).toAbsolutePath().normalize();
      if (runnable(file)) {
        return file;
      }
      throw HarnessFault.of(Code.NOT_FOUND, "command " + command + (Files.exists(file)
          ? " may not be run: make it executable"
          : " does not exist: install it or correct `command`"));
    }
    return Arrays.stream(path.split(Pattern.quote(File.pathSeparator)))
        .filter(directory -> !directory.isEmpty())
        .map(directory -> Path.of(directory).toAbsolutePath().resolve(command))
        .filter(Program::runnable)
        .findFirst()
        .orElseThrow(() -> HarnessFault.of(Code.NOT_FOUND,
            "command " + command + " is not on PATH: install it or give its full path in `command`"));
  }

  private static boolean runnable(Path file) {
    return Files.isRegularFile(file) && Files.isExecutable(file);
  }
}
