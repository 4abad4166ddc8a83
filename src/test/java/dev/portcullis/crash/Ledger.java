package dev.portcullis.crash;

import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/** What a client knows: exactly what it sent, and which run each answer named. The oracle of everything accepted. */
final class Ledger {
  /** One turn as sent. */
  record Sent(String session, int number, String canary, String message, Optional<String> key) {}

  /** @param run empty while nobody knows whether it was accepted */
  record Entry(Sent sent, Optional<String> run) {}

  private final List<Entry> entries = new CopyOnWriteArrayList<>();

  /**
   * Sends a turn and writes down what came back.
   *
   * @return false when nobody answered, or when it was refused for now
   */
  boolean send(Client client, Sent sent) {
    Optional<String> run;
    try {
      var answer = client.submit(sent.session(), sent.message(), sent.key());
      boolean unknown = answer.code().equals("journal_unavailable"); // It may have been written all the same.
      if (answer.status() == 503 && !unknown) {
        return false;
      }
      if (answer.status() != 202 && !unknown) {
        throw new AssertionError(answer.status() + " " + answer.json() + " for " + sent);
      }
      run = Optional.of(answer).filter(_ -> !unknown).map(accepted -> accepted.text("runId"));
    } catch (UncheckedIOException cut) {
      run = Optional.empty();
    }
    entries.add(new Entry(sent, run));
    return run.isPresent();
  }

  /** Repeats every keyed turn of unknown outcome, as a careful client does; afterwards its outcome is known. */
  void retry(Client client) {
    for (int i = 0; i < entries.size(); i++) {
      var entry = entries.get(i);
      if (entry.run().isEmpty() && entry.sent().key().isPresent()) {
        var answer = client.submit(entry.sent().session(), entry.sent().message(), entry.sent().key());
        if (answer.status() != 202) {
          throw new AssertionError(answer.status() + " " + answer.json() + " for the repeated " + entry);
        }
        entries.set(i, new Entry(entry.sent(), Optional.of(answer.text("runId"))));
      }
    }
  }

  List<Entry> accepted() {
    return entries.stream().filter(entry -> entry.run().isPresent()).toList();
  }

  /** Turns without a key that may or may not have been accepted. */
  long unknown() {
    return entries.stream().filter(entry -> entry.run().isEmpty()).count();
  }

  void forget() {
    entries.clear();
  }
}
