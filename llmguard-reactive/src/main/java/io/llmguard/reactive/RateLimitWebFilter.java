package io.llmguard.reactive;

import io.llmguard.StandardGuard.Place;
import io.llmguard.limit.CallerRateLimitStage;

/** Limits the calls of each caller over time; a filter before this one has found the caller. */
public final class RateLimitWebFilter extends GuardWebFilter {
  /** A filter that limits by this stage. */
  public RateLimitWebFilter(CallerRateLimitStage stage) {
    super(Place.CALLER_LIMIT, stage);
  }
}
