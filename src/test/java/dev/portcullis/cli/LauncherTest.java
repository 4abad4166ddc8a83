package dev.portcullis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/portcullis} in a project of its own,
    with a Maven and a Java that only say what they were asked. */
@Timeout(60)
class LauncherTest {
  private static final String RUNTIME = "25.0.9+1";

  /** Has a blank in its path, as any directory may. */
  @TempDir Path temporary;
  private Path home;
  private Path jdk;

  @BeforeEach void prepare() throws IOException {
    home = Files.createDirectories(temporary.resolve("my project"));
    jdk = temporary.resolve("jdk-25");
    Files.createDirectories(home.resolve("src/main"));
    Files.createDirectories(home.resolve("conf/jvm"));
    Files.createDirectories(home.resolve("bin"));
    Files.writeString(home.resolve("pom.xml"), "<project/>");
    Files.copy(Path.of("bin/portcullis"), home.resolve("bin/portcullis"));
    jdk(jdk, RUNTIME);
    program(temporary.resolve("tools/mvn"), """
        echo mvn >> "%1$s/builds"
        for word; do case $word in -Ddist.directory=*) dist=${word#*=} ;; esac; done
        mkdir -p "$dist/lib"
        echo jar > "$dist/portcullis.jar"
        : > "$dist/server.options"
        : > "$dist/client.options"
        """.formatted(temporary));
  }

  private void jdk(Path directory, String version) throws IOException {
    program(directory.resolve("bin/java"), "printf '%s\\n' \"$@\"");
    Files.writeString(directory.resolve("release"),
        "JAVA_VERSION=\"" + version.replaceAll("\\+.*", "") + "\"\nJAVA_RUNTIME_VERSION=\"" + version
            + "\"\n");
  }

  private static void program(Path file, String script) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "#!/bin/sh\n" + script);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private record Result(int exit, List<String> out, String err) {}

  private Process start(Path launcher, String... arguments) throws IOException {
    var words = new ArrayList<>(List.of(launcher.toString()));
    words.addAll(List.of(arguments));
    var builder = new ProcessBuilder(words).directory(Path.of("/").toFile());
    builder.environment().put("JAVA_HOME", jdk.toString());
    builder.environment().put("PATH", temporary.resolve("tools") + ":/usr/bin:/bin");
    builder.environment().remove("PORTCULLIS_JAVA_OPTS");
    builder.environment().put("HOME", temporary.toString());
    return builder.start();
  }

  private Result finish(Process process) throws IOException, InterruptedException {
    var out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    var err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Result(process.waitFor(), out, err);
  }

  private Result run(String... arguments) throws IOException, InterruptedException {
    return finish(start(home.resolve("bin/portcullis"), arguments));
  }

  private long builds() throws IOException {
    var log = temporary.resolve("builds");
    return Files.exists(log) ? Files.readAllLines(log).size() : 0;
  }

  @Test void theFirstStartBuildsAndTheNextOnesDoNot() throws Exception {
    var first = run("send", "two words", "*");
    var second = run("send", "two words", "*");

    var dist = home.resolve("target/dist");
    assertEquals(
        List.of("@" + dist.resolve("client.options"), "-Dportcullis.home=" + home, "-jar",
            dist.resolve("portcullis.jar").toString(), "send", "two words", "*"),
        first.out());
    assertTrue(first.err().startsWith("portcullis: building "), first.err());
    assertEquals(first.out(), second.out());
    assertEquals("", second.err());
    assertEquals(1, builds());
  }

  @Test void anEditIsBuilt() throws Exception {
    run("version");
    var source = Files.writeString(home.resolve("src/main/A.java"), "class A {}");
    Files.setLastModifiedTime(source, FileTime.from(Instant.parse("2099-01-01T00:00:00Z")));

    run("version");

    assertEquals(2, builds());
  }

  @Test void parallelFirstStartsBuildOnce() throws Exception {
    var processes = new ArrayList<Process>();
    for (int i = 0; i < 5; i++) {
      processes.add(start(home.resolve("bin/portcullis"), "version"));
    }

    for (var process : processes) {
      assertEquals(0, finish(process).exit());
    }

    assertEquals(1, builds());
  }

  @Test void aLinkToTheLauncherFindsItsHome() throws Exception {
    var first = Files.createSymbolicLink(temporary.resolve("tools/one"), home.resolve("bin/portcullis"));
    var second = Files.createSymbolicLink(temporary.resolve("tools/two"), first.getFileName());

    var result = finish(start(second, "version"));

    assertTrue(result.out().contains("-Dportcullis.home=" + home), result.toString());
  }

  @Test void serveHasItsOwnFlagsAndACacheOfThisJavaOnly() throws Exception {
    run("version");
    var dist = home.resolve("target/dist");
    Files.writeString(dist.resolve("server-25.0.8+1.aot"), "of an older Java");
    var without = run("serve", "--port", "0");
    Files.writeString(dist.resolve("server-" + RUNTIME + ".aot"), "cache");
    var with = run("serve", "--port", "0");

    assertTrue(without.out().contains("@" + dist.resolve("server.options")), without.toString());
    assertFalse(without.toString().contains("AOTCache"), without.toString());
    assertEquals("-XX:AOTCache=" + dist.resolve("server-" + RUNTIME + ".aot"), with.out().getFirst());
    assertEquals(List.of("serve", "--port", "0"),
        with.out().subList(with.out().size() - 3, with.out().size()));
  }

  @Test void anInstalledCopyNeedsNoMaven() throws Exception {
    run("version");
    Files.move(home.resolve("target/dist"), home.resolve("dist"));
    Files.delete(home.resolve("pom.xml"));

    var result = run("version");

    assertTrue(result.out().contains(home.resolve("dist/portcullis.jar").toString()), result.toString());
    assertEquals(1, builds());
  }

  @Test void aBuildThatFailsSaysWhyAndLeavesNothingHalf() throws Exception {
    program(temporary.resolve("tools/mvn"), "echo 'A.java:1: not Java'\nexit 1\n");

    var result = run("version");

    assertEquals(70, result.exit());
    assertTrue(result.err().contains("A.java:1: not Java"), result.err());
    assertFalse(Files.exists(home.resolve("target/dist")));
  }

  @Test void aJavaThatIsTooOldIsPassedOver() throws Exception {
    Files.createSymbolicLink(temporary.resolve("tools/java"), jdk.resolve("bin/java"));
    jdk(temporary.resolve("jdk-17"), "17.0.1+1");
    jdk = temporary.resolve("jdk-17");

    assertEquals("version", run("version").out().getLast());
  }

  @Test void theScriptIsPortableShell() throws Exception {
    try (var lines = Files.lines(Path.of("bin/portcullis"))) {
      assertEquals(List.of(), lines.filter(line -> Stream.of("[[ ", "local ", "function ", "<<<", "${!")
          .anyMatch(line::contains)).toList());
    }
  }
}
