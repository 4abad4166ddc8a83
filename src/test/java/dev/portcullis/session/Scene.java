package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.RunView;
import dev.portcullis.session.Word.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/** One session of an agent on the real actors, and words for what tests make of it. To be closed. */
final class Scene implements AutoCloseable {
  final ActorSubject session;

  private Scene(String key) {
    this.session = new ActorSubject(key);
  }

  /** The main session of an agent of {@link Settings}. */
  static Scene of(String agent) {
    return new Scene("agent:" + agent + ":main");
  }

  void submit(String... runs) {
    for (var run : runs) {
      assertInstanceOf(Receipt.Accepted.class, session.submit(run, List.of()));
    }
  }

  /** Each word is heard and in the journal before the next is said. */
  void hear(String run, int attempt, Kind... kinds) {
    attempt(run, attempt);
    for (var kind : kinds) {
      int before = session.journal().size();
      session.hear(run, attempt, Word.of(kind));
      await(() -> session.journal().size() > before, kind + " is in the journal");
    }
  }

  /** The attempt as its harness sees it, once it does. */
  PlayedHarness.Played attempt(String run, int attempt) {
    await(() -> session.world().harness.attempt(run, attempt).isPresent(), "attempt " + attempt + " of " + run);
    return session.world().harness.attempt(run, attempt).orElseThrow();
  }

  void await(BooleanSupplier condition, String what) {
    assertTrue(session.world().await(condition), () -> "not so: " + what + ", in " + session.journal());
  }

  void awaitStatus(String run, RunStatus status) {
    await(() -> session.state().statusOf(run).filter(status::equals).isPresent(), run + " is " + status);
  }

  OpenRun open(String run) {
    return session.state().open().get(run);
  }

  /** The view that is folded from the journal. */
  RunView view(String run) {
    return fold(run, new ArrayList<>()).view();
  }

  /** What viewers of {@code run} have been told. */
  List<RunEvent.Body> shown(String run) {
    var shown = new ArrayList<RunEvent>();
    fold(run, shown);
    return shown.stream().map(RunEvent::body).toList();
  }

  private RunFold fold(String run, List<RunEvent> shown) {
    var folds = new ArrayList<RunFold>();
    for (var event : session.journal()) {
      switch (event) {
        case SessionEvent.TurnAccepted turn when turn.runId().equals(run) -> folds.add(new RunFold(turn));
        case SessionEvent.OfRun ofRun when ofRun.runId().equals(run) ->
            folds.getFirst().add(ofRun).ifPresent(shown::add);
        case SessionEvent _ -> { }
      }
    }
    return folds.getFirst();
  }

  @Override
  public void close() {
    session.close();
  }
}
