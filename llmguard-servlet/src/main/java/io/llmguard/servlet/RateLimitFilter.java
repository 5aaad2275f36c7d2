package io.llmguard.servlet;

import io.llmguard.StandardGuard.Place;
import io.llmguard.limit.CallerRateLimitStage;
import io.llmguard.servlet.internal.Assembly;

/**
 * Limits the calls of each caller over time; a filter before this one has found the caller.
 *
 * <p>Init-params: {@code limit} ({@code 10 per 1m burst 5} unless set; a caller's own limit goes
 * before).
 */
public final class RateLimitFilter extends GuardFilter {
  /** For the container, which gives the init-params. */
  public RateLimitFilter() {}

  /** A filter that limits by this stage. */
  public RateLimitFilter(CallerRateLimitStage stage) {
    super(Place.CALLER_LIMIT, stage);
  }

  @Override
  void assemble(Assembly parts) {
    parts.callerLimit("limit");
  }
}
