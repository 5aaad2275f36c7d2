package io.llmguard.limit;

import io.llmguard.wire.CallerCeilings;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The limits that a credential carries in place of the configured ones, and its place among those
 * who wait; null means the configured one holds. Its ceilings stand below the configured ones, not
 * in their place.
 *
 * @param requests requests over time
 * @param tokens tokens (input and output) over time
 * @param concurrency calls at once
 * @param perModel requests over time for each named model
 * @param ceilings what a call may ask of a server
 * @param priority who waits for a server with a higher one goes first
 */
public record LimitSet(
    @Nullable RateLimit requests,
    @Nullable RateLimit tokens,
    @Nullable Integer concurrency,
    Map<String, RateLimit> perModel,
    CallerCeilings ceilings,
    @Nullable Integer priority) {
  /** The furthest that a priority is from 0, to either side. */
  public static final int MOST_PRIORITY = 1_000;

  /** Nothing of its own: the configured limits hold. */
  public static final LimitSet CONFIGURED = new LimitSet(null, null, null, Map.of());

  /** Limits without ceilings and of the configured priority. */
  public LimitSet(
      @Nullable RateLimit requests,
      @Nullable RateLimit tokens,
      @Nullable Integer concurrency,
      Map<String, RateLimit> perModel) {
    this(requests, tokens, concurrency, perModel, CallerCeilings.NONE, null);
  }

  /** The same limits with these ceilings. */
  public LimitSet with(CallerCeilings value) {
    return new LimitSet(requests, tokens, concurrency, perModel, value, priority);
  }

  /** The same limits with this priority; null for the configured one. */
  public LimitSet withPriority(@Nullable Integer value) {
    return new LimitSet(requests, tokens, concurrency, perModel, ceilings, value);
  }

  /** Copies the map. */
  public LimitSet {
    perModel = Map.copyOf(perModel);
    if (concurrency != null && concurrency < 1) {
      throw new IllegalArgumentException("concurrency is at least 1: " + concurrency);
    }
    if (priority != null && (priority < -MOST_PRIORITY || priority > MOST_PRIORITY)) {
      throw new IllegalArgumentException(
          "a priority is from -" + MOST_PRIORITY + " to " + MOST_PRIORITY + ": " + priority);
    }
  }
}
