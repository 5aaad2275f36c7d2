package io.llmguard.wire;

/**
 * Tokens that a call used.
 *
 * @param inputTokens tokens of the prompt
 * @param outputTokens tokens that were generated
 * @param estimated true if the upstream did not report them and they were estimated
 */
public record Usage(long inputTokens, long outputTokens, boolean estimated) {
  /** Counts that the upstream reported. */
  public static Usage reported(long inputTokens, long outputTokens) {
    return new Usage(inputTokens, outputTokens, false);
  }
}
