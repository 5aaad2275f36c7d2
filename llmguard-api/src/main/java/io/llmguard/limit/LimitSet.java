package io.llmguard.limit;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The limits that a credential carries in place of the configured ones; null means the configured
 * one holds.
 *
 * @param requests requests over time
 * @param tokens tokens (input and output) over time
 * @param concurrency calls at once
 * @param perModel requests over time for each named model
 */
public record LimitSet(
    @Nullable RateLimit requests,
    @Nullable RateLimit tokens,
    @Nullable Integer concurrency,
    Map<String, RateLimit> perModel) {
  /** Nothing of its own: the configured limits hold. */
  public static final LimitSet CONFIGURED = new LimitSet(null, null, null, Map.of());

  /** Copies the map. */
  public LimitSet {
    perModel = Map.copyOf(perModel);
    if (concurrency != null && concurrency < 1) {
      throw new IllegalArgumentException("concurrency is at least 1: " + concurrency);
    }
  }
}
