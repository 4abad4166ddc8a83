package dev.portcullis.crash;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The JVM's own cache of loaded classes, made once per build: a crash test starts more than a hundred processes, and this
 * nearly halves what each costs. Kept below {@code target/}; without it everything works, only slower.
 */
final class StartCache {
  private static final Path CLASSES = Path.of("target", "classes").toAbsolutePath();
  private static final Path HOME = Path.of("target", "crash").toAbsolutePath();
  private static final Path LOCK = Path.of("target", "crash.lock").toAbsolutePath();
  private static final Duration TRAINING = Duration.ofSeconds(120);
  private static final List<String> OPTIONS = prepare();

  private StartCache() {}

  /** Class path and cache of a gateway's JVM. */
  static List<String> options() {
    return OPTIONS;
  }

  private static List<String> prepare() {
    var plain = List.of("-cp", System.getProperty("java.class.path"));
    if (!Boolean.parseBoolean(System.getProperty("crash.cache", "true")) || !Files.isDirectory(CLASSES)) {
      return plain;
    }
    try {
      var jar = HOME.resolve("gateway-" + Integer.toHexString(fingerprint()) + ".jar");
      var cache = Path.of(jar + ".aot");
      var classPath = List.of("-cp", classPath(jar));
      Files.createDirectories(HOME);
      // Tests run in two JVMs at a time: one makes it, the other waits.
      try (var lock = FileChannel.open(LOCK, CREATE, WRITE); var held = lock.lock()) {
        if (held.isValid() && !Files.exists(cache)) {
          make(jar, classPath, cache);
        }
      }
      return Files.exists(cache)
          ? Stream.concat(Stream.of("-XX:AOTCache=" + cache, "-Xlog:aot=off", "-Xlog:cds=off"), classPath.stream())
              .toList()
          : plain;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void make(Path jar, List<String> classPath, Path cache) throws IOException {
    clear();
    Files.createDirectories(HOME);
    ToolProvider.findFirst("jar").orElseThrow().run(
        System.out, System.err, "--create", "--file=" + jar, "-C", CLASSES.toString(), ".");
    train(classPath, cache);
  }

  /** Changes with every compilation. */
  private static int fingerprint() throws IOException {
    try (var files = Files.walk(CLASSES)) {
      return files.filter(Files::isRegularFile).sorted().map(StartCache::stamp).toList().hashCode();
    }
  }

  private static String stamp(Path file) {
    try {
      return file + " " + Files.size(file) + " " + Files.getLastModifiedTime(file).toMillis();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Only jars can be cached; the tests' own classes are not the gateway's. */
  private static String classPath(Path jar) {
    var jars = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(entry -> entry.endsWith(".jar"));
    return Stream.concat(Stream.of(jar.toString()), jars).collect(Collectors.joining(File.pathSeparator));
  }

  private static void clear() throws IOException {
    if (Files.isDirectory(HOME)) {
      try (var files = Files.walk(HOME)) {
        for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  /** One ordinary life, with a run in it, that ends in order: then the JVM writes what it has loaded. */
  private static void train(List<String> classPath, Path cache) {
    var options = new ArrayList<>(List.of("-XX:AOTCacheOutput=" + cache));
    options.addAll(classPath);
    try (var gateway = GatewayProcess.on(HOME.resolve("data")).options(options).start().awaitReady()) {
      try (var client = gateway.client()) {
        client.awaitEnd(client.submit("main", "[[echo step=train words=3]]").text("runId"));
        client.rows();
      }
      gateway.sigterm();
      gateway.exitCode(TRAINING);
    }
  }
}
