package io.llmguard.ollama;

import java.time.Duration;

/**
 * What a call took, from its last line. The server leaves zeros out; here they are zeros.
 *
 * @param totalDuration all of it
 * @param loadDuration loading the model
 * @param promptEvalCount tokens of the prompt
 * @param promptEvalDuration reading the prompt
 * @param evalCount tokens of the answer
 * @param evalDuration writing the answer
 */
public record Metrics(
    Duration totalDuration,
    Duration loadDuration,
    int promptEvalCount,
    Duration promptEvalDuration,
    int evalCount,
    Duration evalDuration) {
  /** Nothing measured. */
  public static final Metrics NONE =
      new Metrics(Duration.ZERO, Duration.ZERO, 0, Duration.ZERO, 0, Duration.ZERO);

  /** Tokens written a second; 0 where nothing was measured. */
  public double tokensPerSecond() {
    return evalDuration.isZero() ? 0 : evalCount * 1e9 / evalDuration.toNanos();
  }
}
