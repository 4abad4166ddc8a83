package dev.portcullis.ingress.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.errors.InternalServerException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIException;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.helpers.ResponseAccumulator;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseRetrieveParams;
import com.openai.models.responses.ResponseStatus;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.session.Gate;
import dev.portcullis.session.Receipt;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Collectors;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The official Java client takes us for what it was written for. */
@Tag("C-1")
class OpenAiJavaTest {
  private static final ActorTestKit KIT = ActorTestKit.create();

  @TempDir Path data;
  private IngressRig rig;
  private OpenAIClient client;

  @BeforeEach
  void open() {
    rig = new IngressRig(KIT.system(), data.resolve("d"));
    client = client(rig.token.reveal());
  }

  @AfterEach
  void close() {
    client.close();
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private OpenAIClient client(String token) {
    return OpenAIOkHttpClient.builder()
        .baseUrl(rig.url("/v1")).apiKey(token).maxRetries(0).timeout(Duration.ofSeconds(10)).build();
  }

  private static ChatCompletionCreateParams ask(String model) {
    return ChatCompletionCreateParams.builder().model(model).addUserMessage("hello there").build();
  }

  private String streamed() {
    try (var stream = client.chat().completions().createStreaming(ask("main"))) {
      return stream.stream()
          .flatMap(chunk -> chunk.choices().stream())
          .flatMap(choice -> choice.delta().content().stream())
          .collect(Collectors.joining());
    }
  }

  @Test
  void aWholeAnswerIsRead() {
    var completion = client.chat().completions().create(ask("main")).validate();
    assertEquals("echo: hello there", completion.choices().getFirst().message().content().orElseThrow());
    assertEquals(7, completion.usage().orElseThrow().totalTokens());
  }

  @Test
  void aStreamIsReadAndTheClientDoesNotHang() {
    assertTimeoutPreemptively(Duration.ofSeconds(8), () -> assertEquals("echo: hello there", streamed()));
  }

  @Test
  void errorsAreTheClientsOwnKinds() {
    assertThrows(NotFoundException.class, () -> client.chat().completions().create(ask("ghost")));
    var stranger = client("nobodys-token");
    assertThrows(UnauthorizedException.class, () -> stranger.models().list());
    stranger.close();
    rig.sessions.script(new RunEvent.Started(1, "echo"),
        new RunEvent.Failed(new RunError("harness_failed", "It broke.", "")));
    var failed = assertThrows(InternalServerException.class,
        () -> client.chat().completions().create(ask("main")));
    assertEquals(502, failed.statusCode());
    assertTrue(failed.getMessage().contains("It broke."), failed.getMessage());
    assertThrows(OpenAIException.class, this::streamed);
    rig.sessions.refuse(new Receipt.Closed(Gate.State.DRAINING));
    var draining = assertThrows(InternalServerException.class,
        () -> client.chat().completions().create(ask("main")));
    assertEquals(503, draining.statusCode());
  }

  @Test
  void modelsAreListed() {
    assertEquals(
        java.util.List.of("main", "second"),
        client.models().list().data().stream().map(model -> model.id()).toList());
  }

  private static ResponseCreateParams response(String input) {
    return ResponseCreateParams.builder().model("main").input(input).build();
  }

  private static String text(Response response) {
    return response.validate().output().stream()
        .flatMap(item -> item.message().stream())
        .flatMap(message -> message.content().stream())
        .flatMap(part -> part.outputText().stream())
        .map(part -> part.text())
        .collect(Collectors.joining());
  }

  @Test
  void aChatsStreamAddsUpToTheWholeAnswer() {
    var accumulator = ChatCompletionAccumulator.create();
    try (var stream = client.chat().completions().createStreaming(ask("main"))) {
      stream.stream().forEach(accumulator::accumulate);
    }
    assertEquals("echo: hello there",
        accumulator.chatCompletion().choices().getFirst().message().content().orElseThrow());
  }

  @Test
  void aResponseIsReadWholeAndReadAgain() {
    var created = client.responses().create(response("hello there"));
    assertEquals("echo: hello there", text(created));
    assertEquals(7, created.usage().orElseThrow().totalTokens());
    assertEquals(ResponseStatus.COMPLETED, created.status().orElseThrow());
    assertEquals("echo: hello there", text(client.responses().retrieve(created.id())));
    var items = client.responses().inputItems().list(created.id()).items();
    assertEquals(1, items.size());
    assertEquals(ResponseStatus.COMPLETED, client.responses().cancel(created.id()).status().orElseThrow());
    client.responses().delete(created.id());
    assertThrows(NotFoundException.class, () -> client.responses().retrieve(created.id()));
  }

  @Test
  void aResponsesStreamAddsUpAndIsReadOnFromAnyEvent() {
    var accumulator = ResponseAccumulator.create();
    try (var stream = client.responses().createStreaming(response("hello there"))) {
      stream.stream().forEach(accumulator::accumulate);
    }
    assertEquals("echo: hello there", text(accumulator.response()));
    var rest = ResponseRetrieveParams.builder().responseId(accumulator.response().id()).startingAfter(4).build();
    try (var stream = client.responses().retrieveStreaming(rest)) {
      var deltas = stream.stream().flatMap(event -> event.outputTextDelta().stream())
          .map(delta -> delta.sequenceNumber() + delta.delta()).toList();
      assertEquals(java.util.List.of("5hello ", "6there"), deltas);
    }
  }

  @Test
  void aResponseIsContinued() {
    var first = client.responses().create(response("one"));
    var second = client.responses().create(ResponseCreateParams.builder()
        .model("main").input("two").previousResponseId(first.id()).build());
    assertEquals("echo: two", text(second));
    assertEquals(first.id(), second.previousResponseId().orElseThrow());
    var turns = rig.sessions.submitted();
    assertEquals(turns.get(0).session(), turns.get(1).session());
  }

  @Test
  void aResponseInTheBackgroundIsPolledAndCancelled() {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    var created = client.responses().create(ResponseCreateParams.builder()
        .model("main").input("hi").background(true).build());
    assertEquals(ResponseStatus.IN_PROGRESS, created.status().orElseThrow());
    assertEquals(ResponseStatus.CANCELLED, client.responses().cancel(created.id()).status().orElseThrow());
    assertEquals(ResponseStatus.CANCELLED,
        client.responses().retrieve(created.id()).status().orElseThrow());
  }

  @Test
  void aResponseThatFailsIsAnErrorWholeAndAnEventInItsStream() {
    rig.sessions.script(new RunEvent.Started(1, "echo"),
        new RunEvent.Failed(new RunError("harness_failed", "It broke.", "")));
    var failed = assertThrows(InternalServerException.class, () -> client.responses().create(response("hi")));
    assertEquals(502, failed.statusCode());
    try (var stream = client.responses().createStreaming(response("hi"))) {
      var error = stream.stream().flatMap(event -> event.failed().stream()).findFirst().orElseThrow()
          .response().error().orElseThrow();
      assertEquals("It broke. (harness_failed)", error.message());
    }
  }

  @Test
  @Tag("C-7")
  void anAnswerThatIsLostIsFetchedByTheClientsOwnRetryAndNothingRunsTwice() throws Exception {
    try (var way = new LostAnswers(rig.ingress.address().getPort(), 1)) {
      var retrying = OpenAIOkHttpClient.builder()
          .baseUrl(way.url()).apiKey(rig.token.reveal()).timeout(Duration.ofSeconds(10)).build();
      assertEquals("echo: hello there", text(retrying.responses().create(response("hello there"))));
      retrying.close();
    }
    assertEquals(1, rig.sessions.submitted().size());
  }
}
