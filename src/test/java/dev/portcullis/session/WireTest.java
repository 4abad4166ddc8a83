package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.typesafe.config.ConfigFactory;
import dev.portcullis.protocol.FunctionResult;
import dev.portcullis.protocol.FunctionTool;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.Toolbox;
import dev.portcullis.run.RunTable.Fact;
import java.time.Duration;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.typed.ActorRef;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** What crosses nodes in a cluster, through the serialiser that carries it there. */
class WireTest {
  private static final ActorTestKit kit = ActorTestKit.create(ConfigFactory.parseString("pekko.actor.provider = local")
      .withFallback(ConfigFactory.parseResources("system.conf"))
      .withFallback(ConfigFactory.load()));

  @AfterAll
  static void close() {
    kit.shutdownTestKit();
  }

  private static <T> ActorRef<T> asker() {
    return kit.<T>createTestProbe().ref();
  }

  private static Stream<Wire> commands() {
    return Stream.of(
        new Session.Submit(
            "run_1", "agent:main:main", "me", "grüße \ud83d\ude00", List.of(new Message("user", "before")),
            new Input(List.of(new Image("image/png", 8, "iVBORw0KGgo=")),
                new Toolbox(List.of(new FunctionTool("f", "", "", false)), Toolbox.Choice.REQUIRED, "", true),
                List.of(new FunctionResult("call_1", "rain"))),
            List.of(new Sessions.Key("aa", "bb")), Gate.State.OPEN, asker(), "", true),
        new Session.Repeat("run_1", "aa", 1, "0", Facts.AT, asker()),
        new Session.Abort("run_1", "me", asker()),
        new Session.Resume("run_1", "me", asker()),
        new Session.Decide("run_1", "a-1", "d", true, "me", asker()),
        new Session.Clear(true, "me", asker()),
        new Session.AwaitBeyond(7, asker()),
        new Session.Recover(asker()),
        new Session.NoteStop("restart", asker()),
        new Session.Rest(Duration.ofSeconds(10), asker()),
        new Session.Trim(asker()),
        new Session.Leave());
  }

  private static Stream<Wire> replies() {
    var state = SessionState.empty()
        .apply(Facts.accepted("run_1", "hello"))
        .apply(Facts.of(Fact.ATTEMPT_STARTED, "run_1"));
    return Stream.of(
        new Receipt.Accepted("run_1", "agent:main:main", RunStatus.QUEUED, 2, true),
        new Receipt.KeyReused("run_1"),
        new Receipt.Busy("run_1"),
        new Receipt.QueueFull(100),
        new Receipt.Foreign(),
        new Receipt.Closed(Gate.State.DRAINING),
        new ControlReply.Done(RunStatus.ABORTING),
        new ControlReply.Refused(RunStatus.COMPLETED),
        new ControlReply.Unknown(),
        new DecisionReply.Taken(RunStatus.RUNNING, true),
        new DecisionReply.Changed("d"),
        new DecisionReply.Decided(true, "me"),
        new DecisionReply.Refused(RunStatus.ABORTING),
        new DecisionReply.NotOpen(),
        new Quarantined("alert-1"),
        new Session.Cleared(List.of(Rows.of(state))),
        new Session.Cleared(List.of()),
        new Session.Position(9, 3, 1, List.of(Rows.of(state)), List.of()),
        new Directory.Heard(List.of(Rows.of(state))),
        new Directory.Greeting(),
        new Session.Recovered(1, 2, 3),
        new Session.StopNoted(1),
        new Session.Rested(1),
        new TrimReply.Trimmed(12),
        new TrimReply.NotTrimmed());
  }

  @Test
  void everyMessageComesOutAsItWentIn() {
    Stream.concat(commands(), replies()).forEach(message ->
        assertEquals(message, kit.serializationTestKit().verifySerialization(message, true)));
  }

  @Test
  void noCommandThatOthersSendIsLeftOut() {
    var others = Stream.of(Session.Command.class.getPermittedSubclasses())
        .filter(type -> java.lang.reflect.Modifier.isPublic(type.getModifiers()))
        .map(Class::getSimpleName)
        .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(
        others,
        commands().map(message -> message.getClass().getSimpleName()).collect(Collectors.toCollection(TreeSet::new)));
  }

  @Test
  void noAnswerIsLeftOut() {
    var answers = Stream.of(
            Receipt.class, ControlReply.class, DecisionReply.class, Session.ClearReply.class,
            Session.PositionReply.class)
        .flatMap(type -> Stream.of(type.getPermittedSubclasses()))
        .collect(Collectors.toSet());
    answers.removeAll(replies().map(Object::getClass).collect(Collectors.toSet()));
    assertEquals(java.util.Set.of(), answers);
  }
}
