package dev.portcullis.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ActionTest {
  @TempDir Path directory;

  @Test
  @Tag("SEC-25")
  void aQuestionShowsTheDirectoryBehindALinkAndALinkThatIsTurnedIsAnotherAction() throws IOException {
    var one = Files.createDirectory(directory.resolve("one")).toRealPath();
    var two = Files.createDirectory(directory.resolve("two"));
    var link = Files.createSymbolicLink(directory.resolve("link"), one);
    var action = new Action("execute", "run", "ls", link);
    var asked = action.asked("a-1");
    assertEquals(
        new HarnessUpdate.ApprovalRequested("a-1", "execute", "run", "ls", action.digest(), one.toString()), asked);

    Files.delete(link);
    Files.createSymbolicLink(link, two);
    assertNotEquals(asked.digest(), action.digest());
  }
}
