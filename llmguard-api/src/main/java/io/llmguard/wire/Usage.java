package io.llmguard.wire;

/**
 * Tokens that a call used.
 *
 * @param inputTokens tokens of the prompt
 * @param outputTokens tokens that were generated
 * @param cachedTokens those of the prompt that the upstream had in its cache, as far as it says so
 * @param estimated true if the upstream did not report them and they were estimated
 */
public record Usage(long inputTokens, long outputTokens, long cachedTokens, boolean estimated) {
  /** Counts of a call of which nothing is known to come from a cache. */
  public Usage(long inputTokens, long outputTokens, boolean estimated) {
    this(inputTokens, outputTokens, 0, estimated);
  }

  /** Counts that the upstream reported. */
  public static Usage reported(long inputTokens, long outputTokens) {
    return new Usage(inputTokens, outputTokens, false);
  }

  /** The same, of which so many tokens of the prompt came from a cache: no more than it has. */
  public Usage cached(long tokens) {
    return new Usage(
        inputTokens, outputTokens, Math.max(0, Math.min(tokens, inputTokens)), estimated);
  }
}
