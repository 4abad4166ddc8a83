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
import com.openai.models.chat.completions.ChatCompletionCreateParams;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The official Java client takes us for what it was written for. */
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
}
