package dev.portcullis.harness.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.harness.http.ModelEvent;
import dev.portcullis.harness.http.ModelEvent.Count;
import dev.portcullis.harness.http.ModelJson;
import java.util.EnumMap;

/** OpenAI counts what came from the cache among the input; its two APIs call input and output differently. */
final class OpenAiUsage {
  private OpenAiUsage() {}

  static ModelEvent.Tokens of(JsonNode usage, String input, String output) {
    var counts = new EnumMap<Count, Long>(Count.class);
    ModelJson.count(counts, Count.INPUT, usage.path(input + "_tokens"));
    ModelJson.count(counts, Count.OUTPUT, usage.path(output + "_tokens"));
    ModelJson.count(counts, Count.CACHE_READ, usage.path(input + "_tokens_details").path("cached_tokens"));
    counts.computeIfPresent(
        Count.INPUT, (_, all) -> Math.max(0, all - counts.getOrDefault(Count.CACHE_READ, 0L)));
    return new ModelEvent.Tokens(counts);
  }
}
