package dev.portcullis.harness;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** Keeps what one attempt reported. */
public final class Updates implements UpdateSink {
  private final List<HarnessUpdate> all = new CopyOnWriteArrayList<>();
  private final CompletableFuture<HarnessUpdate.End> end = new CompletableFuture<>();

  @Override
  public void accept(HarnessUpdate update) {
    all.add(update);
    if (update instanceof HarnessUpdate.End last && !end.complete(last)) {
      throw new IllegalStateException("a second end: " + update);
    }
  }

  public List<HarnessUpdate> all() {
    return List.copyOf(all);
  }

  public <T extends HarnessUpdate> List<T> all(Class<T> kind) {
    return all.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  public String text() {
    return String.join("", all(HarnessUpdate.Text.class).stream().map(HarnessUpdate.Text::text).toList());
  }

  public boolean ended() {
    return end.isDone();
  }

  public HarnessUpdate.End awaitEnd() {
    try {
      return end.get(60, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new AssertionError("no end after " + all, e);
    }
  }

  public String awaitText(String part) {
    Eventually.isTrue(() -> "text with " + part + " in " + all, () -> text().contains(part));
    return text();
  }

  public <T extends HarnessUpdate> T await(Class<T> kind) {
    Eventually.isTrue(() -> "a " + kind.getSimpleName() + " in " + all, () -> !all(kind).isEmpty());
    return all(kind).getFirst();
  }
}
