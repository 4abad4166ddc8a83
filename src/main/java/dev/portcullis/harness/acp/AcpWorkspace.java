package dev.portcullis.harness.acp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.portcullis.harness.jsonrpc.Reply;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Function;

/**
 * The files of one workspace, for an agent that wants us to read and write them. Links are followed before it
 * is decided what lies inside, each time anew. Blocking.
 */
final class AcpWorkspace {
  /** Most that is read from a file; an answer is one line, and lines are bounded too. */
  static final int READ_BYTES_MAX = 8 * 1024 * 1024;
  static final int INVALID_PARAMS = -32602;
  private static final int INTERNAL = -32603;
  private static final int NOT_FOUND = -32002;
  /** Reading a pipe would never end. */
  private static final String NOT_REGULAR = "not a regular file";

  private final Path root;

  AcpWorkspace(Path root) {
    this.root = root;
  }

  static Reply.Error refusal(int code, String text) {
    return new Reply.Error(code, text, MissingNode.getInstance());
  }

  /** Where a path of the agent's leads. */
  sealed interface Found {}

  /** @param path with all links followed */
  record Inside(Path path) implements Found {}

  record Refused(Reply.Error error) implements Found {}

  private interface Io<T> {
    T run(Path given) throws IOException;
  }

  /** Looks for something that exists. */
  Found find(String path) {
    return guarded(path, given -> found(given.toRealPath()), Refused::new);
  }

  private Found found(Path real) throws IOException {
    return real.startsWith(root.toRealPath())
        ? new Inside(real)
        : new Refused(refusal(INVALID_PARAMS, "the path is not inside the workspace"));
  }

  /** {@code {path, line?, limit?}}: the first line is 1. */
  Reply read(JsonNode params) {
    return guarded(params.path("path").asText(""), given -> switch (found(given.toRealPath())) {
      case Refused(var error) -> error;
      case Inside(var file) when !Files.isRegularFile(file) -> refusal(INVALID_PARAMS, NOT_REGULAR);
      case Inside(var file) -> {
        byte[] bytes;
        try (var in = Files.newInputStream(file)) {
          bytes = in.readNBytes(READ_BYTES_MAX + 1); // It may grow while it is read.
        }
        if (bytes.length > READ_BYTES_MAX) {
          yield refusal(INVALID_PARAMS, "the file has more than " + READ_BYTES_MAX + " bytes");
        }
        var text = new String(bytes, StandardCharsets.UTF_8);
        var limit = params.path("limit").asInt(Integer.MAX_VALUE);
        var content = lines(text, params.path("line").asInt(1), limit);
        yield new Reply.Result(JsonNodeFactory.instance.objectNode().put("content", content));
      }
    }, error -> error);
  }

  private static String lines(String text, int first, int count) {
    int from = skip(text, 0, first - 1);
    return text.substring(from, skip(text, from, count));
  }

  private static int skip(String text, int from, int lines) {
    int at = from;
    for (int i = 0; i < lines && at < text.length(); i++) {
      var end = text.indexOf('\n', at);
      at = end < 0 ? text.length() : end + 1;
    }
    return at;
  }

  /** {@code {path, content}}: makes the file, and directories on the way to it, if need be. */
  Reply write(JsonNode params) {
    return guarded(params.path("path").asText(""), given -> switch (found(whereItWillBe(given))) {
      case Refused(var error) -> error;
      // A link is left here only if it leads nowhere yet: the write would make what it points to.
      case Inside(var file)
          when Files.exists(file, LinkOption.NOFOLLOW_LINKS) && !Files.isRegularFile(file) ->
          refusal(INVALID_PARAMS, NOT_REGULAR);
      case Inside(var file) -> {
        Files.createDirectories(file.getParent());
        Files.writeString(file, params.path("content").asText(""), StandardOpenOption.CREATE,
            StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING, LinkOption.NOFOLLOW_LINKS);
        yield new Reply.Result(JsonNodeFactory.instance.objectNode());
      }
    }, error -> error);
  }

  /** The real path of what exists, and below it the names that do not exist yet. */
  private static Path whereItWillBe(Path path) throws IOException {
    if (Files.exists(path)) {
      return path.toRealPath();
    }
    var name = path.getFileName();
    if (name == null || name.toString().equals("..")) {
      throw new NoSuchFileException(path.toString());
    }
    return whereItWillBe(path.getParent()).resolve(name);
  }

  private static <T> T guarded(String path, Io<T> io, Function<Reply.Error, T> refused) {
    try {
      var given = Path.of(path);
      return given.isAbsolute()
          ? io.run(given)
          : refused.apply(refusal(INVALID_PARAMS, "the path is not absolute"));
    } catch (InvalidPathException e) {
      return refused.apply(refusal(INVALID_PARAMS, "not a path"));
    } catch (NoSuchFileException e) {
      return refused.apply(refusal(NOT_FOUND, "Resource not found"));
    } catch (IOException e) {
      return refused.apply(refusal(INTERNAL, "the file system refuses: " + e.getClass().getSimpleName()));
    }
  }
}
