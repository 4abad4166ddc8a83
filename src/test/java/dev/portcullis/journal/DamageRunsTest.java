package dev.portcullis.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Flipped bits, zeroed sectors and cut logs at many places of a store with many histories: each is detected,
 * and nothing is handed out that was not written.
 */
@ExtendWith(LogCapturingExtension.class)
class DamageRunsTest {

  private static final long SEED = 20261120;
  private static final int SESSIONS = 120;
  private static final int SECTOR = 512;

  @TempDir static Path shared;
  private static Path clean;
  private static Path killed;
  private static Map<String, List<String>> cleanHistories;
  private static Map<String, List<String>> killedHistories;

  @TempDir Path directory;

  /** Several opens make several tables; the last one leaves a log that is not in any. */
  @BeforeAll
  static void write() throws IOException {
    clean = shared.resolve("clean");
    killed = shared.resolve("killed");
    var random = new Random(SEED);
    for (int round = 0; round < 4; round++) {
      try (var journal = Samples.open(clean)) {
        append(journal, random, 5);
      }
    }
    cleanHistories = histories(clean);
    var live = shared.resolve("live");
    Damage.copy(clean, live);
    try (var journal = Samples.open(live)) {
      append(journal, random, 3);
      Damage.copy(live, killed);
      killedHistories = histories(journal);
    }
  }

  private static void append(Journal journal, Random random, int each) {
    for (int session = 0; session < SESSIONS; session++) {
      var id = "session|" + session;
      long highest = journal.highest(id);
      var events = new ArrayList<StoredEvent>();
      for (long seq = highest + 1; seq <= highest + each; seq++) {
        events.add(Samples.event(id, seq, id + " " + "y".repeat(random.nextInt(300))));
      }
      Samples.done(journal.append(events, List.of(new IndexEntry.Put("row", id, "{\"seq\":" + highest + "}"))));
      if (session % 3 == 0) {
        Samples.done(journal.putSnapshot(new StoredSnapshot(
            id, highest + each, 7, "state", new byte[random.nextInt(200)], Samples.AT)));
      }
    }
  }

  private static Map<String, List<String>> histories(Path directory) throws IOException {
    var copy = directory.resolveSibling("reading");
    Damage.copy(directory, copy);
    try (var journal = Samples.open(copy)) {
      return histories(journal);
    } finally {
      LevelDbFiles.delete(copy);
    }
  }

  private static Map<String, List<String>> histories(Journal journal) {
    var all = new HashMap<String, List<String>>();
    journal.persistenceIds(id -> all.put(id, Samples.replay(journal, id)));
    return all;
  }

  @Test
  @Tag("J-2")
  @Tag("INV-J1")
  void noFlippedBitAndNoZeroedSectorGoesUnnoticed() throws IOException {
    damage(300);
  }

  @Test
  @Tag("torture")
  @Tag("J-2")
  @Tag("INV-J1")
  void noFlippedBitAndNoZeroedSectorGoesUnnoticedInManyRounds() throws IOException {
    damage(10_000);
  }

  private void damage(int rounds) throws IOException {
    var random = new Random(SEED);
    var tally = new Tally();
    for (int round = 0; round < rounds; round++) {
      boolean afterKill = round % 2 == 1;
      var data = directory.resolve("round");
      Damage.copy(afterKill ? killed : clean, data);
      var what = harm(data, random, round % 4 >= 2);
      if (!what.isEmpty()) { // A sector of zeros cannot be zeroed.
        check(data, afterKill ? killedHistories : cleanHistories, afterKill + " " + what, tally);
      }
      LevelDbFiles.delete(data);
    }
    System.out.println("J-2 seed=" + SEED + " " + tally);
    assertEquals(List.of(), tally.wrong);
    assertTrue(tally.rounds > rounds * 0.8, "too few rounds: " + tally);
  }

  private static final class Tally {
    private int rounds;
    private int refused;
    private int started;
    private int namedByVerify;
    private final List<String> wrong = new ArrayList<>();

    @Override
    public String toString() {
      return "rounds=" + rounds + " verify=" + namedByVerify + " refused=" + refused + " startedLoudly=" + started
          + " wrong=" + wrong;
    }
  }

  private static String harm(Path data, Random random, boolean sector) throws IOException {
    var files = new LevelDbFiles(data.resolve("journal")).data();
    var file = files.get(random.nextInt(files.size()));
    long size = Files.size(file);
    long at = random.nextLong(size);
    if (!sector) {
      int bit = random.nextInt(8);
      Damage.flip(file, at, bit);
      return "flip " + file.getFileName() + " " + at + "." + bit + " of " + size;
    }
    long from = at / SECTOR * SECTOR;
    int length = (int) Math.min(SECTOR, size - from);
    try (var channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      var before = ByteBuffer.allocate(length);
      channel.read(before, from);
      channel.write(ByteBuffer.allocate(length), from);
      return before.flip().equals(ByteBuffer.allocate(length)) ? "" : "sector " + file.getFileName() + " " + from;
    }
  }

  private static void check(Path data, Map<String, List<String>> original, String what, Tally tally) {
    tally.rounds++;
    try (var stopped = StoppedJournal.open(data)) {
      if (stopped.verify(_ -> {}).sound()) {
        tally.wrong.add("verify is silent: " + what);
      } else {
        tally.namedByVerify++;
      }
    }
    try (var journal = Samples.open(data)) {
      tally.started++;
      if (!Files.exists(data.resolve("journal.damaged-1"))) {
        tally.wrong.add("started in silence: " + what);
      }
      for (var history : original.entrySet()) {
        var found = Samples.replay(journal, history.getKey());
        var expected = history.getValue();
        // Only the newest batches may be gone, and the loud line has said so.
        if (found.size() > expected.size() || !found.equals(expected.subList(0, found.size()))) {
          tally.wrong.add("another history: " + what);
        }
      }
    } catch (JournalFault fault) {
      assertEquals(JournalFault.Code.CORRUPT, fault.code(), what);
      tally.refused++;
    }
  }

  @Test
  @Tag("J-1")
  @Tag("INV-J1")
  void aLogThatIsCutLosesItsEndOnlyAndNeverInSilence() throws IOException {
    cut(200);
  }

  @Test
  @Tag("torture")
  @Tag("J-1")
  @Tag("INV-J1")
  void aLogThatIsCutAtAnyByteLosesItsEndOnlyAndNeverInSilence() throws IOException {
    cut(Integer.MAX_VALUE);
  }

  private void cut(int most) throws IOException {
    var log = new LevelDbFiles(killed.resolve("journal")).logs().getLast();
    int end = written(log);
    int from = Math.max(0, end - (1 << 16));
    int step = Math.max(1, (end - from) / most);
    int loud = 0;
    int refused = 0;
    int rounds = 0;
    for (int at = from; at < end; at += step) {
      var data = directory.resolve("round");
      Damage.copy(killed, data);
      try (var channel = FileChannel.open(
          data.resolve("journal").resolve(log.getFileName()), StandardOpenOption.WRITE)) {
        channel.truncate(at);
      }
      rounds++;
      try (var journal = Samples.open(data)) {
        assertTrue(Files.exists(data.resolve("journal.damaged-1")), "started in silence, cut at " + at);
        loud++;
        for (var history : killedHistories.entrySet()) {
          var found = Samples.replay(journal, history.getKey());
          assertEquals(history.getValue().subList(0, found.size()), found, "cut at " + at);
        }
      } catch (JournalFault fault) { // Between two batches: not torn, and yet too short.
        assertEquals(JournalFault.Code.CORRUPT, fault.code(), "cut at " + at);
        assertTrue(fault.getMessage().contains("acknowledged"), fault.getMessage());
        refused++;
      }
      LevelDbFiles.delete(data);
    }
    System.out.println("J-1 cuts=" + rounds + " startedLoudly=" + loud + " refused=" + refused);
    assertTrue(loud > rounds / 2, "cuts within a batch start with one loud line");
  }

  private static int written(Path log) throws IOException {
    var bytes = Files.readAllBytes(log);
    int end = bytes.length;
    while (end > 0 && bytes[end - 1] == 0) {
      end--;
    }
    return end;
  }
}
