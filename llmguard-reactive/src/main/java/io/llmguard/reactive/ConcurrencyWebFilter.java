package io.llmguard.reactive;

import io.llmguard.StandardGuard.Place;
import io.llmguard.limit.ConcurrencyStage;

/** Limits how many calls are under way at once. */
public final class ConcurrencyWebFilter extends GuardWebFilter {
  /** A filter that limits by this stage. */
  public ConcurrencyWebFilter(ConcurrencyStage stage) {
    super(Place.CALLER_LIMIT, stage);
  }
}
