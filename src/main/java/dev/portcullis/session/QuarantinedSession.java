package dev.portcullis.session;

import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** What a session is while its history cannot be proved: it refuses at once, writes and starts nothing. */
final class QuarantinedSession {
  private QuarantinedSession() {}

  static Behavior<Session.Command> create(Quarantined answer) {
    return Behaviors.receiveMessage(command -> {
      answer(command, answer);
      return command instanceof Session.Leave ? Behaviors.stopped() : Behaviors.same();
    });
  }

  /** Those who start and stop the node must not wait for it: for them it is a session with nothing to do. */
  static void answer(Session.Command command, Quarantined answer) {
    switch (command) {
      case Session.Submit submit -> submit.replyTo().tell(answer);
      case Session.Repeat repeat -> repeat.replyTo().tell(answer);
      case Session.Abort abort -> abort.replyTo().tell(answer);
      case Session.Resume resume -> resume.replyTo().tell(answer);
      case Session.Decide decide -> decide.replyTo().tell(answer);
      case Session.Clear clear -> clear.replyTo().tell(answer);
      case Session.AwaitBeyond await -> await.replyTo().tell(answer);
      case Session.Recover recover -> recover.replyTo().tell(new Session.Recovered(0, 0, 0));
      case Session.NoteStop note -> note.replyTo().tell(new Session.StopNoted(0));
      case Session.Rest rest -> rest.replyTo().tell(new Session.Rested(0));
      case Session.Trim trim -> trim.replyTo().tell(new TrimReply.NotTrimmed());
      case Session.KeysRead read -> read.submit().replyTo().tell(answer);
      case Session.KeysUnread unread -> unread.submit().replyTo().tell(answer);
      case Session.TakeOver _, Session.TrimEnded _, Session.NextLookup _, Session.Reported _,
          Session.AttemptDied _, Session.TimePassed _, Session.IdlePassed _, Session.Leave _ -> { }
    }
  }
}
