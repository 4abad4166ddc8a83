package dev.portcullis.harness.http;

import static dev.portcullis.harness.http.ModelRig.assertAnswer;
import static dev.portcullis.harness.http.ModelRig.chunk;
import static dev.portcullis.harness.http.ModelRig.fault;
import static dev.portcullis.harness.http.ModelRig.run;
import static dev.portcullis.harness.http.ModelRig.stop;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.config.HarnessConfig.ModelLimits;
import dev.portcullis.harness.Eventually;
import dev.portcullis.harness.Harness.Attempt;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.UpdateSink;
import dev.portcullis.harness.Updates;
import dev.portcullis.harness.http.ModelRig.Api;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What an answer may look like, and how a turn is given up. Faults of the server are in ModelFaultsTest. */
class ModelHarnessTest {
  private final ModelRig rig = new ModelRig();

  @AfterEach void leaveNothing() {
    rig.close();
  }

  // ---- answers
  @ParameterizedTest
  @EnumSource
  void aRecordedAnswerIsReadWithItsUsage(Api api) {
    rig.server.then(ScriptedServer.recorded(api.recordings + ".hello"));

    var updates = run(rig.harness(api));

    assertAnswer("hello there friend", "end_turn", updates);
    assertEquals(List.of(), updates.all(HarnessUpdate.TextReplaced.class));
    // Anthropic counts what came from the cache by itself, OpenAI among the input.
    long input = api == Api.MESSAGES ? 150 : 110;
    assertEquals(
        new HarnessUpdate.Usage(input, 12, 40, 0), updates.all(HarnessUpdate.Usage.class).getLast());
  }

  @ParameterizedTest
  @EnumSource
  void aToolThatNobodyOfferedIsNoText(Api api) {
    rig.server.then(ScriptedServer.recorded(api.recordings + ".tool-call"));

    assertEquals("I will run the scripted tool.", run(rig.harness(api)).text());
  }

  @ParameterizedTest
  @EnumSource
  void theServerIsToldTheConversationAndWhoAsks(Api api) {
    rig.server.then(ScriptedServer.recorded(api.recordings + ".hello"));

    run(rig.harness(api));

    var request = rig.server.requests().getFirst();
    assertEquals("POST " + api.dialect.turns(), request.method() + " " + request.path());
    assertTrue(request.body().contains("\"hello\"") && request.body().contains("Be brief."), request.body());
    assertFalse(request.body().contains(ModelRig.KEY));
    var credentials = api == Api.MESSAGES ? request.headers().get("x-api-key") : request.headers().get("authorization");
    assertEquals(api == Api.MESSAGES ? ModelRig.KEY : "Bearer " + ModelRig.KEY, credentials);
  }

  @Test void anAnswerWithoutItsLastLineIsWholeWhenAReasonWasGiven() {
    rig.server.then((_, wire) -> wire.stream().send(chunk("hi") + stop("stop")).end());

    assertAnswer("hi", "end_turn", run(rig.harness(Api.CHAT)));
  }

  @Test void anAnswerIsWholeAfterItsReasonEvenIfTheConnectionBreaksThen() {
    rig.server.then((_, wire) -> wire.stream().send(chunk("hi") + stop("length")).cut());

    assertAnswer("hi", "max_tokens", run(rig.harness(Api.CHAT)));
  }

  @Test void aStreamInOnePieceAndOneInSingleBytesAreTheSame() {
    var stream = ": keep-alive\r\n\r\n" + chunk("gr\u00fc\u00dfe ") + chunk("\uD83E\uDD8A") + stop("stop") + "data: [DONE]\n\n";
    rig.server.then((_, wire) -> wire.stream().send(stream).end(), (_, wire) -> {
      wire.stream();
      for (byte one : stream.getBytes(StandardCharsets.UTF_8)) {
        wire.send(new byte[] {one});
      }
      wire.end();
    });
    var harness = rig.harness(Api.CHAT);

    assertAnswer("gr\u00fc\u00dfe \uD83E\uDD8A", "end_turn", run(harness));
    assertAnswer("gr\u00fc\u00dfe \uD83E\uDD8A", "end_turn", run(harness));
  }

  @Test void reasoningAndEventsOfANewerServerAreNoText() {
    rig.server.then((_, wire) -> wire.stream()
        .send("data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"let me think\"}}]}\n\n")
        .send("event: newer\ndata: {\"unheard\":[\"of\"]}\n\n" + chunk("yes") + stop("stop")).end());

    assertAnswer("yes", "end_turn", run(rig.harness(Api.CHAT)));
  }

  @Test void aRefusalKeepsItsTextAndSaysThatItIsOne() {
    rig.server.then((_, wire) -> wire.stream()
        .send("data: {\"choices\":[{\"delta\":{\"refusal\":\"I can't.\"}}]}\n\n" + stop("stop")).end());

    assertAnswer("I can't.", "refusal", run(rig.harness(Api.CHAT)));
  }

  @Test void theWholeAnswerReplacesPiecesThatSaidSomethingElse() {
    rig.server.then((_, wire) -> wire.stream()
        .send("data: {\"type\":\"response.output_text.delta\",\"delta\":\"one \"}\n\n")
        .send("data: {\"type\":\"response.completed\",\"response\":{\"output\":[{\"type\":\"message\",\"content\":"
            + "[{\"type\":\"output_text\",\"text\":\"one two\"}]}]}}\n\n").end());

    var updates = run(rig.harness(Api.RESPONSES));

    assertEquals(List.of(new HarnessUpdate.TextReplaced("one two")), updates.all(HarnessUpdate.TextReplaced.class));
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
  }

  @Test void aThousandPiecesComeInOrder() {
    var pieces = IntStream.range(0, 1_000).mapToObj(i -> "w" + i + " ").toList();
    rig.server.then((_, wire) -> {
      wire.stream();
      for (var piece : pieces) {
        wire.send(chunk(piece));
      }
      wire.send(stop("stop") + "data: [DONE]\n\n").end();
    });

    var updates = run(rig.harness(Api.CHAT));

    assertAnswer(String.join("", pieces), "end_turn", updates);
    assertEquals(1_000, updates.all(HarnessUpdate.Text.class).size());
  }

  @Test void aConnectionThatWasReadToItsEndIsUsedAgain() {
    rig.server.then(ScriptedServer.recorded("openai-chat.hello"));
    var harness = rig.harness(Api.CHAT);

    for (int i = 0; i < 5; i++) {
      assertAnswer("hello there friend", "end_turn", run(harness));
      Eventually.isTrue("the first turn to be all gone", harness::idle);
    }

    assertEquals(1, rig.server.connections());
  }

  // ---- giving up
  private static ScriptedServer.Reply endless(CompletableFuture<Long> goneAt) {
    return (_, wire) -> {
      wire.stream().send(chunk("first "));
      wire.awaitGone();
      goneAt.complete(System.nanoTime());
    };
  }

  @Test void anAbortClosesTheConnectionWithinASecondAndNothingFollows() throws Exception {
    var goneAt = new CompletableFuture<Long>();
    rig.server.then(endless(goneAt));
    var updates = new Updates();
    var attempt = ModelRig.start(rig.harness(Api.CHAT), updates);
    updates.awaitText("first");

    long asked = System.nanoTime();
    attempt.abort(Duration.ofSeconds(10));

    assertEquals(new HarnessUpdate.Aborted(), updates.awaitEnd());
    long tookMillis = (goneAt.get(20, TimeUnit.SECONDS) - asked) / 1_000_000;
    assertTrue(tookMillis < 1_000, () -> "the server was left after " + tookMillis + " ms");
    attempt.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
    assertEquals(new HarnessUpdate.Aborted(), updates.all().getLast());
  }

  @Test
  @Tag("INV-M3")
  void aStopEndsTheCallWithoutAWordAndThenNothingIsLeft() throws Exception {
    var goneAt = new CompletableFuture<Long>();
    rig.server.then(endless(goneAt));
    var updates = new Updates();
    var attempt = ModelRig.start(rig.harness(Api.CHAT), updates);
    updates.awaitText("first");

    attempt.stop(Duration.ofSeconds(5)).toCompletableFuture().get(20, TimeUnit.SECONDS);

    goneAt.get(20, TimeUnit.SECONDS);
    assertFalse(updates.ended());
    assertEquals(new HarnessUpdate.Text("first "), updates.all().getLast());
  }

  @Test void anAbortBeforeTheServerHasAnsweredEndsTheCallToo() throws Exception {
    var asked = new CountDownLatch(1);
    var gone = new CountDownLatch(1);
    rig.server.then((_, wire) -> {
      asked.countDown();
      wire.awaitGone();
      gone.countDown();
    });
    var updates = new Updates();
    var attempt = ModelRig.start(rig.harness(Api.CHAT), updates);
    assertTrue(asked.await(20, TimeUnit.SECONDS));

    attempt.abort(Duration.ofSeconds(10));

    assertEquals(List.of(new HarnessUpdate.Aborted()), updates.all());
    assertTrue(gone.await(20, TimeUnit.SECONDS), "the server was not left");
  }

  @Test void closingTheHarnessEndsEveryCall() throws Exception {
    var gone = new CompletableFuture<Long>();
    rig.server.then(endless(gone));
    var updates = new Updates();
    var harness = rig.harness(Api.MESSAGES);
    ModelRig.start(harness, updates);
    Eventually.isTrue("a call", () -> !rig.server.requests().isEmpty());

    harness.close(Duration.ofSeconds(1)).toCompletableFuture().get(20, TimeUnit.SECONDS);

    gone.get(20, TimeUnit.SECONDS);
    assertFalse(updates.ended());
  }

  // ---- flow and order
  /** A sink that has room for nothing until it is told so. */
  private static final class FullSink implements UpdateSink {
    final List<HarnessUpdate> taken = new CopyOnWriteArrayList<>();
    final CountDownLatch room = new CountDownLatch(1);

    @Override
    public void accept(HarnessUpdate update) {
      taken.add(update);
    }

    @Override
    public void awaitRoom() {
      try {
        room.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Test void aServerThatTalksFasterThanWeCanWriteIsNotReadAndIsNotCalledSilent() {
    var silence = Duration.ofMillis(200);
    var sent = new AtomicInteger();
    var piece = chunk("x".repeat(100_000));
    rig.server.then((_, wire) -> {
      wire.stream();
      for (int i = 0; i < 160; i++) { // 16 MB: more than all buffers between us.
        wire.send(piece);
        sent.incrementAndGet();
      }
      wire.send(stop("stop")).end();
    });
    var sink = new FullSink();
    rig.harness(Api.CHAT, new ModelLimits(
        1, Duration.ofSeconds(5), silence, Duration.ofMinutes(5), 0)).start(ModelRig.spec("hello"), sink);

    Eventually.isTrue("a first update", () -> !sink.taken.isEmpty());
    settled(sent);
    assertTrue(sent.get() < 140, () -> sent.get() + " pieces were taken without room for them");
    assertTrue(sink.taken.size() < 5, () -> sink.taken.size() + " updates");
    sink.room.countDown();

    Eventually.isTrue(() -> "an end", () -> sink.taken.getLast() instanceof HarnessUpdate.End);
    assertEquals(new HarnessUpdate.Completed("end_turn"), sink.taken.getLast());
  }

  /** Nothing moves for longer than the silence that is allowed. */
  private static void settled(AtomicInteger counter) {
    var last = new int[] {-1, 0};
    Eventually.isTrue("no more progress", () -> {
      last[1] = counter.get() == last[0] ? last[1] + 1 : 0;
      last[0] = counter.get();
      return last[1] >= 40; // Looks of 10 ms.
    });
  }

  @Test void furtherAttemptsWaitInOrderForTheirTurnToCall() {
    var release = IntStream.range(0, 4).mapToObj(_ -> new CountDownLatch(1)).toList();
    rig.server.then((request, wire) -> {
      int number = request.body().charAt(request.body().indexOf("turn-") + 5) - '0';
      wire.stream().send(chunk("answer-" + number));
      release.get(number).await();
      wire.send(stop("stop")).end();
    });
    var harness = rig.harness(Api.CHAT, new ModelLimits(
        1, Duration.ofSeconds(5), Duration.ofSeconds(20), Duration.ofMinutes(5), 0));
    var turns = new ArrayList<Updates>();
    var attempts = new ArrayList<Attempt>();
    for (int i = 0; i < 4; i++) {
      turns.add(new Updates());
      attempts.add(harness.start(ModelRig.spec("turn-" + i), turns.get(i)));
      int waiting = i;
      Eventually.isTrue("its place in the queue", () -> harness.waiting() == waiting);
    }
    turns.get(0).awaitText("answer-0");

    attempts.get(2).abort(Duration.ofSeconds(1)); // One that waits leaves without having called.
    assertEquals(List.of(new HarnessUpdate.Aborted()), turns.get(2).all());
    for (int number : List.of(0, 1, 3)) {
      release.get(number).countDown();
      assertAnswer("answer-" + number, "end_turn", turns.get(number));
    }

    assertEquals(List.of("turn-0", "turn-1", "turn-3"), rig.server.requests().stream()
        .map(request -> request.body().replaceAll("(?s).*(turn-\\d).*", "$1")).collect(Collectors.toList()));
  }

  @Test void aMessageThatDoesNotFitFailsWithoutACall() {
    var updates = new Updates();

    rig.harness(Api.CHAT).start(ModelRig.spec("x".repeat(10_000)), updates);

    assertEquals(Code.CONTEXT_LENGTH, fault(updates).code());
    assertInstanceOf(HarnessUpdate.Failed.class, updates.all().getFirst());
    assertEquals(List.of(), rig.server.requests());
  }
}
