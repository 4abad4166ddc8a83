package dev.portcullis.harness.acp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.jsonrpc.Reply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AcpWorkspaceTest {
  @TempDir Path directory;
  private Path root;
  private Path outside;
  private AcpWorkspace workspace;

  @BeforeEach
  void make() throws IOException {
    root = Files.createDirectory(directory.resolve("workspace"));
    outside = Files.createDirectory(directory.resolve("outside"));
    Files.writeString(outside.resolve("secret"), "a secret");
    workspace = new AcpWorkspace(root);
  }

  private static ObjectNode params(Path path) {
    return JsonNodeFactory.instance.objectNode().put("path", path.toString());
  }

  private String read(ObjectNode params) {
    return assertInstanceOf(Reply.Result.class, workspace.read(params)).value().path("content").asText();
  }

  private static int code(Reply reply) {
    return assertInstanceOf(Reply.Error.class, reply).code();
  }

  private Reply write(Path path) {
    return workspace.write(params(path).put("content", "written"));
  }

  @Test
  void aFileIsReadWholeOrByLines() throws IOException {
    var file = Files.writeString(root.resolve("f"), "one\ntwo\nthree");
    assertEquals("one\ntwo\nthree", read(params(file)));
    assertEquals("two\n", read(params(file).put("line", 2).put("limit", 1)));
    assertEquals("two\nthree", read(params(file).put("line", 2)));
    assertEquals("one\n", read(params(file).put("limit", 1)));
    assertEquals("", read(params(file).put("line", 9)));
  }

  @Test
  void aFileThatIsNotThereIsSaidToBeMissing() {
    assertEquals(-32002, code(workspace.read(params(root.resolve("none")))));
  }

  @Test
  void aFileIsWrittenWithTheDirectoriesOnTheWay() throws IOException {
    assertInstanceOf(Reply.Result.class, write(root.resolve("a/b/f")));
    assertEquals("written", Files.readString(root.resolve("a/b/f")));
    assertInstanceOf(Reply.Result.class, workspace.write(params(root.resolve("a/b/f")).put("content", "new")));
    assertEquals("new", Files.readString(root.resolve("a/b/f")), "nothing is left of a longer file");
  }

  @Test
  void nothingOutsideIsReadOrWritten() throws IOException {
    for (var path : new Path[] {outside.resolve("secret"), root.resolve("../outside/secret"),
        root.resolve("a/../../outside/new"), outside.resolve("new"), directory.resolve("workspace-2/f")}) {
      assertTrue(workspace.read(params(path)) instanceof Reply.Error, path::toString);
      assertTrue(write(path) instanceof Reply.Error, path::toString);
    }
    assertEquals("a secret", Files.readString(outside.resolve("secret")));
    assertFalse(Files.exists(outside.resolve("new")));
    assertFalse(Files.exists(directory.resolve("workspace-2")));
  }

  @Test
  void noLinkLeadsOutside() throws IOException {
    Files.createSymbolicLink(root.resolve("directory"), outside);
    Files.createSymbolicLink(root.resolve("file"), outside.resolve("secret"));
    Files.createSymbolicLink(root.resolve("dangling"), outside.resolve("new"));
    for (var name : new String[] {"directory/secret", "file", "dangling", "directory/new", "directory/a/new"}) {
      assertTrue(workspace.read(params(root.resolve(name))) instanceof Reply.Error, name);
      assertTrue(write(root.resolve(name)) instanceof Reply.Error, name);
    }
    assertEquals("a secret", Files.readString(outside.resolve("secret")));
    assertEquals(1, outside.toFile().list().length);
  }

  @Test
  void aLinkThatStaysInsideIsFollowedAndSoIsAWorkspaceThatIsALink() throws IOException {
    Files.writeString(root.resolve("f"), "inside");
    Files.createSymbolicLink(root.resolve("link"), root.resolve("f"));
    Files.createSymbolicLink(directory.resolve("other-name"), root);
    assertEquals("inside", read(params(root.resolve("link"))));
    workspace = new AcpWorkspace(directory.resolve("other-name"));
    assertEquals("inside", read(params(directory.resolve("other-name/f"))));
    assertInstanceOf(Reply.Result.class, write(directory.resolve("other-name/g")));
  }

  @Test
  void whatIsNoFileOrTooLongIsRefused() throws Exception {
    assertEquals(-32602, code(workspace.read(params(root))));
    assertEquals(-32602, code(write(root)));
    var fifo = root.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
    assertEquals(-32602, code(workspace.read(params(fifo))));
    assertEquals(-32602, code(write(fifo)));
    Files.write(root.resolve("long"), new byte[AcpWorkspace.READ_BYTES_MAX + 1]);
    assertEquals(-32602, code(workspace.read(params(root.resolve("long")))));
  }

  @Test
  void aPathThatIsNoneIsRefused() {
    assertEquals(-32602, code(workspace.read(params(Path.of("f")))));
    assertEquals(-32602, code(workspace.read(JsonNodeFactory.instance.objectNode().put("path", "/a\0b"))));
    assertEquals(-32602, code(workspace.read(JsonNodeFactory.instance.objectNode())));
  }
}
