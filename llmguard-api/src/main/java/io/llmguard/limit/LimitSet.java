package io.llmguard.limit;

import io.llmguard.wire.CallerCeilings;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The limits that a credential carries in place of the configured ones; null means the configured
 * one holds. Its ceilings stand below the configured ones, not in their place.
 *
 * @param requests requests over time
 * @param tokens tokens (input and output) over time
 * @param concurrency calls at once
 * @param perModel requests over time for each named model
 * @param ceilings what a call may ask of a server
 */
public record LimitSet(
    @Nullable RateLimit requests,
    @Nullable RateLimit tokens,
    @Nullable Integer concurrency,
    Map<String, RateLimit> perModel,
    CallerCeilings ceilings) {
  /** Nothing of its own: the configured limits hold. */
  public static final LimitSet CONFIGURED = new LimitSet(null, null, null, Map.of());

  /** Limits without ceilings. */
  public LimitSet(
      @Nullable RateLimit requests,
      @Nullable RateLimit tokens,
      @Nullable Integer concurrency,
      Map<String, RateLimit> perModel) {
    this(requests, tokens, concurrency, perModel, CallerCeilings.NONE);
  }

  /** The same limits with these ceilings. */
  public LimitSet with(CallerCeilings value) {
    return new LimitSet(requests, tokens, concurrency, perModel, value);
  }

  /** Copies the map. */
  public LimitSet {
    perModel = Map.copyOf(perModel);
    if (concurrency != null && concurrency < 1) {
      throw new IllegalArgumentException("concurrency is at least 1: " + concurrency);
    }
  }
}
