package dev.portcullis;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.lang.conditions.ArchPredicates.are;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import dev.portcullis.ingress.Credentials;
import dev.portcullis.ingress.Token;
import dev.portcullis.session.SessionKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Imports point one way, to the right: {@link #RANKS}. What a rule forbids is named with the class that does
 * it.
 */
class ArchitectureTest {
  private static final String ROOT = "dev.portcullis";
  private static final int LINE_CHARS = 110;
  private static final int FILE_LINES = 500;

  /**
   * From left to right; a package may import what stands in a later set. Adapters are every subpackage of a
   * port.
   */
  private static final List<Set<String>> RANKS = List.of(
      Set.of("boot"),
      Set.of("cli", "ingress", "harness adapter", "channel adapter", "cluster", "ops", "ui"),
      Set.of("session"),
      Set.of("run"),
      Set.of("harness", "channel"),
      Set.of("protocol", "journal", "config", "alert"));
  private static final Set<String> FOUNDATION = RANKS.getLast();
  /** What harness adapters have in common; not adapters themselves. */
  private static final Set<String> SHARED_BY_ADAPTERS =
      Set.of(
          ROOT + ".harness.process", ROOT + ".harness.jsonrpc", ROOT + ".harness.agent", ROOT + ".harness.http");

  private static JavaClasses classes;

  @BeforeAll static void importClasses() {
    classes =
        new ClassFileImporter().withImportOption(new ImportOption.DoNotIncludeTests()).importPackages(ROOT);
  }

  @Test void importsPointOneWay() {
    classes().that().resideInAPackage(ROOT + "..").should(importOnlyToTheRight()).check(classes);
  }

  @Test void everyPackageHasItsPlaceInTheOrder() {
    var homeless = classes.stream()
        .map(JavaClass::getPackageName)
        .filter(name -> !name.equals(ROOT) && RANKS.stream().noneMatch(rank -> rank.contains(part(name))))
        .distinct()
        .sorted()
        .toList();

    assertEquals(List.of(), homeless);
  }

  @Test void theCommandLineKnowsSettingsWordsAndTheJournalOnly() {
    noClasses().that().resideInAPackage(ROOT + ".cli..")
        .should().dependOnClassesThat(are(resideInAPackage(ROOT + ".."))
            .and(DescribedPredicate.not(are(resideInAPackage(ROOT + ".cli.."))))
            .and(DescribedPredicate.not(are(resideInAPackage(ROOT + ".config"))))
            // A stopped gateway's journal is read by nobody else, and is asked for by session key.
            .and(DescribedPredicate.not(are(resideInAPackage(ROOT + ".journal"))))
            .and(DescribedPredicate.not(are(type(SessionKey.class))))
            .and(DescribedPredicate.not(are(resideInAPackage(ROOT + ".protocol")))))
        .allowEmptyShould(true)
        .check(classes);
  }

  @Test void packagesHaveNoCycles() {
    slices().matching(ROOT + ".(*)").should().beFreeOfCycles().check(classes);
  }

  @Test void timeComesFromAClockAndNobodySleeps() {
    // The kernel tells nobody when a process that is not our child has gone: there, looking again is all there is.
    noClasses().that().resideOutsideOfPackage(ROOT + ".harness.process")
        .should().callMethod(Instant.class, "now")
        .orShould().callMethod(System.class, "currentTimeMillis")
        .orShould().callMethod(Thread.class, "sleep", long.class)
        .orShould().callMethod(Thread.class, "sleep", Duration.class)
        .check(classes);
  }

  @Test void onlyTheCommandLinePrints() {
    noClasses().that().resideOutsideOfPackage(ROOT + ".cli..")
        .should().accessField(System.class, "out")
        .orShould().accessField(System.class, "err")
        .check(classes);
  }

  @Test @Tag("SEC-11") void secretsAreComparedByTheirDigestsInConstantTimeAndInOnePlace() {
    noClasses()
        .should().callMethod(Token.class, "equals", Object.class)
        .orShould().callMethod(Token.class, "hashCode")
        .check(classes);
    noClasses().that().doNotHaveFullyQualifiedName(Credentials.class.getName())
        .and().doNotHaveFullyQualifiedName(ROOT + ".ingress.http.CredentialRoutes") // Tells it to who made it.
        .and().areNotAssignableTo(Token.class)
        .should().callMethod(Token.class, "reveal")
        .check(classes);
  }

  @Test void everyPackageSaysWhatItIsFor() throws IOException {
    try (var directories = Files.walk(Path.of("src/main/java"))) {
      var silent = directories.filter(ArchitectureTest::holdsSources)
          .filter(directory -> !Files.exists(directory.resolve("package-info.java")))
          .map(Path::toString)
          .sorted()
          .toList();

      assertEquals(List.of(), silent);
    }
  }

  @Test void noFileIsTooLongToRead() throws IOException {
    assertEquals(List.of(), sources(lines -> lines.size() > FILE_LINES));
  }

  @Test void noLineIsTooLongToRead() throws IOException {
    // A test may hold a recorded line of a protocol, and that stays whole.
    var tooLong = sources(lines -> lines.stream().anyMatch(line -> line.length() > LINE_CHARS));
    assertEquals(List.of(), tooLong.stream().filter(file -> file.startsWith("src/main")).toList());
  }

  private static ArchCondition<JavaClass> importOnlyToTheRight() {
    return new ArchCondition<>("import only what stands to the right of their package") {
      @Override
      public void check(JavaClass from, ConditionEvents events) {
        from.getDirectDependenciesFromSelf().stream()
            .filter(dependency ->
                !isAllowed(from.getPackageName(), dependency.getTargetClass().getPackageName()))
            .forEach(dependency ->
                events.add(SimpleConditionEvent.violated(dependency, dependency.getDescription())));
      }
    };
  }

  private static boolean isAllowed(String from, String to) {
    if (!to.startsWith(ROOT) || from.equals(to)) {
      return true;
    }
    var isShared = SHARED_BY_ADAPTERS.contains(to) && part(from).equals("harness adapter");
    var isSamePart = part(from).equals(part(to)) && !part(from).endsWith("adapter");
    var isFoundation = FOUNDATION.contains(part(from)) && FOUNDATION.contains(part(to));
    return isShared || isSamePart || isFoundation || rank(from) < rank(to);
  }

  private static int rank(String packageName) {
    for (int rank = 0; rank < RANKS.size(); rank++) {
      if (RANKS.get(rank).contains(part(packageName))) {
        return rank;
      }
    }
    return RANKS.size();
  }

  /** The first word after the root; for what lies below a port, that it is an adapter. */
  private static String part(String packageName) {
    var words = packageName.substring(ROOT.length()).replaceFirst("^\\.", "").split("\\.");
    var isPort = words[0].equals("harness") || words[0].equals("channel");
    return isPort && words.length > 1 ? words[0] + " adapter" : words[0];
  }

  private static boolean holdsSources(Path directory) {
    try (var files = Files.isDirectory(directory) ? Files.list(directory) : Stream.<Path>empty()) {
      return files.anyMatch(file -> file.toString().endsWith(".java"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> sources(Predicate<List<String>> faulty) throws IOException {
    var found = new ArrayList<String>();
    for (var root : List.of("src/main/java", "src/test/java")) {
      try (var files = Files.walk(Path.of(root))) {
        for (var file : files.filter(path -> path.toString().endsWith(".java")).sorted().toList()) {
          if (faulty.test(Files.readAllLines(file))) {
            found.add(file.toString());
          }
        }
      }
    }
    return found;
  }
}
