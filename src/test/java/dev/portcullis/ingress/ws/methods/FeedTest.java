package dev.portcullis.ingress.ws.methods;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.typesafe.config.ConfigFactory;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.ingress.RecordedSessions;
import dev.portcullis.ingress.ws.Announcer;
import dev.portcullis.ingress.ws.Broadcast;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Usage;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Sessions;
import java.io.File;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.typed.ActorRef;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class FeedTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final GatewayConfig CONFIG = GatewayConfig.from(
      ConfigFactory.parseFile(new File("conf/application.conf")).resolve());
  private static final SessionKey MAIN = new SessionKey("agent:main:main");

  private final RecordedSessions sessions = new RecordedSessions();
  private final BlockingQueue<Broadcast> told = new LinkedBlockingQueue<>();
  private final List<ActorRef<Feed.Command>> feeds = new ArrayList<>();

  @AfterEach void stop() {
    feeds.forEach(KIT::stop);
  }

  @AfterAll static void shutDown() {
    KIT.shutdownTestKit();
  }

  private void feed() {
    feed(told::add);
  }

  private ActorRef<Feed.Command> feed(Announcer announcer) {
    var feed = KIT.spawn(Feed.create(new Feed.Parts(
        sessions, new Agents(CONFIG), announcer, Clock.fixed(RecordedSessions.START, ZoneOffset.UTC))));
    feeds.add(feed);
    return feed;
  }

  /** Nobody listens until somebody does. */
  private final class Audience implements Announcer {
    private volatile boolean there;

    @Override
    public void announce(Broadcast broadcast) {
      told.add(broadcast);
    }

    @Override
    public boolean heard() {
      return there;
    }
  }

  private void say(String message) {
    sessions.submit(new Sessions.Turn(MAIN, "owner", message, List.of(), List.of()))
        .toCompletableFuture().join();
  }

  /** Everything up to the first event that is meant, in its order. */
  private List<Broadcast> upTo(Predicate<Broadcast> last) throws InterruptedException {
    var all = new ArrayList<Broadcast>();
    while (all.isEmpty() || !last.test(all.getLast())) {
      var next = told.poll(10, TimeUnit.SECONDS);
      assertNotNull(next, () -> "not told; so far " + words(all));
      all.add(next);
    }
    return all;
  }

  private static boolean phase(Broadcast each) {
    return each.payload().has("phase");
  }

  private static String word(Broadcast each) {
    var payload = each.payload();
    return switch (each.event()) {
      case "chat" -> "chat " + payload.path("state").asText();
      case "session.message" -> "message " + payload.path("message").path("role").asText();
      case "sessions.changed" -> "row " + payload.path("reason").asText(payload.path("phase").asText());
      case "agent" -> "agent " + payload.path("stream").asText();
      default -> each.event();
    };
  }

  private static List<String> words(List<Broadcast> all) {
    return all.stream().map(FeedTest::word).toList();
  }

  @Test void aNewRunIsToldFromItsMessageToItsEndEachThingOnce() throws InterruptedException {
    feed();
    say("hi");

    var all = upTo(FeedTest::phase).stream().filter(each -> !each.event().equals("sessions.changed")).toList();
    assertEquals(List.of(
        "message user", "agent lifecycle", "agent assistant", "chat delta", "agent assistant", "chat delta",
        "message assistant", "agent lifecycle", "chat final"), words(all));
  }

  @Test void noRunIsReadForNobodyAndOneThatIsUnderWayIsToldToWhoComesLater() throws InterruptedException {
    sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "so far"));
    var audience = new Audience();
    var feed = feed(audience);
    say("hi");
    KIT.<Void>createTestProbe().expectNoMessage(); // As long as a test may look for what must not happen.
    assertEquals(0, sessions.handed.get());
    assertTrue(told.isEmpty());

    audience.there = true;
    feed.tell(new Feed.Wanted());
    do { // Until it is followed nothing of it is told.
      sessions.play("run-1", new RunEvent.Text(1, " and on"));
    } while (told.poll(20, TimeUnit.MILLISECONDS) == null);
    sessions.play("run-1", new RunEvent.Completed("end_turn", Usage.NONE));
    var all = upTo(each -> word(each).equals("chat final"));
    assertTrue(all.getLast().payload().toString().contains("so far and on"), () -> words(all).toString());
    assertEquals(List.of(), upTo(FeedTest::phase).stream().filter(each -> each.event().equals("chat")).toList());
  }

  @Test @Tag("INV-A2") void theRowWithoutTheRunIsToldBeforeTheEndOfTheRun() throws InterruptedException {
    sessions.script(new RunEvent.Started(1, "echo"));
    feed();
    say("hi");
    upTo(each -> each.payload().path("hasActiveRun").asBoolean());
    sessions.play("run-1", new RunEvent.Text(1, "some"), new RunEvent.Completed("end_turn", Usage.NONE));

    var all = upTo(each -> word(each).equals("chat final"));
    var rows = all.stream().filter(each -> each.event().equals("sessions.changed")).toList();
    assertFalse(rows.isEmpty(), () -> words(all).toString());
    assertFalse(rows.getLast().payload().path("hasActiveRun").asBoolean());
  }

  @Test @Tag("INV-A3") void noRowIsToldAfterANewerOne() throws InterruptedException {
    feed();
    long seen = 0;
    for (int i = 0; i < 5; i++) {
      say("turn " + i);
      for (var each : upTo(FeedTest::phase)) {
        if (each.event().equals("sessions.changed")) {
          long rev = each.payload().path("session").path("rev").asLong();
          assertTrue(rev >= seen, () -> "row of an older revision: " + each.payload());
          seen = rev;
        }
      }
    }
  }

  @Test void aRunThatWasUnderWayBeforeIsToldFromWhereItStands() throws InterruptedException {
    sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "one "));
    say("hi");
    // The first rows of the recording are those of a session that has just begun.
    say("and another");
    feed();
    sessions.play("run-1", new RunEvent.Text(1, "two"), new RunEvent.Completed("end_turn", Usage.NONE));

    var all = upTo(each -> word(each).equals("chat final"));
    assertEquals("one two", all.getLast().payload().path("message").path("content").path(0).path("text").asText());
  }

  @Test void aRunThatIsAbortedBeforeItBeginsIsToldOf() throws InterruptedException {
    sessions.script();
    feed();
    say("hi");
    upTo(each -> word(each).equals("message user"));
    sessions.play("run-1", new RunEvent.Aborted("owner"));

    var end = upTo(each -> word(each).startsWith("chat ")).getLast();
    assertEquals("aborted", end.payload().path("state").asText());
  }

  @Test void aRowIsNotToldAgainForEachPieceOfAnAnswer() throws InterruptedException {
    sessions.script(new RunEvent.Started(1, "echo"));
    feed();
    say("hi");
    upTo(each -> each.payload().path("hasActiveRun").asBoolean());
    for (int i = 0; i < 20; i++) {
      sessions.play("run-1", new RunEvent.Text(1, "word "));
    }
    sessions.play("run-1", new RunEvent.Completed("end_turn", Usage.NONE));

    assertEquals(2, upTo(FeedTest::phase).stream().filter(each -> each.event().equals("sessions.changed"))
        .count(), "the row of the end, and the end itself");
  }

  @Test void aQuestionIsToldToThoseWhoMayAnswerItAndItsAnswerToo() throws InterruptedException {
    sessions.script(new RunEvent.Started(1, "echo"), RecordedSessions.asked("ask-1"));
    feed();
    say("hi");

    var asked = upTo(each -> each.event().equals("plugin.approval.requested")).getLast();
    JsonNode request = asked.payload().path("request");
    assertEquals("ls", request.path("description").asText());
    assertEquals(RecordedSessions.digest("ask-1"), request.path("digest").asText());
    assertEquals("operator.approvals", asked.audience().scope().orElseThrow().word());

    sessions.play("run-1", new RunEvent.ApprovalDecided("ask-1", true, "owner", "", false));
    var resolved = upTo(each -> each.event().equals("plugin.approval.resolved")).getLast();
    assertEquals("allow-once", resolved.payload().path("decision").asText());
  }
}
