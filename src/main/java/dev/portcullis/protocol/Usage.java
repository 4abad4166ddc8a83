package dev.portcullis.protocol;

/**
 * What the harness reported to have used; zero where it does not tell.
 *
 * @param cachedTokens part of {@code inputTokens} that came from a cache
 * @param costMicros millionths of a US dollar
 */
public record Usage(long inputTokens, long outputTokens, long cachedTokens, long costMicros) {
  public static final Usage NONE = new Usage(0, 0);

  public Usage(long inputTokens, long outputTokens) {
    this(inputTokens, outputTokens, 0, 0);
  }

  public long totalTokens() {
    return inputTokens + outputTokens;
  }

  public Usage plus(Usage other) {
    return new Usage(
        inputTokens + other.inputTokens,
        outputTokens + other.outputTokens,
        cachedTokens + other.cachedTokens,
        costMicros + other.costMicros);
  }
}
