package io.llmguard.servlet;

import io.llmguard.StandardGuard.Place;
import io.llmguard.limit.ConcurrencyStage;
import io.llmguard.servlet.internal.Assembly;

/**
 * Limits how many calls are under way at once.
 *
 * <p>Init-params: {@code per-caller} and {@code in-all}; at least one of them is needed.
 */
public final class ConcurrencyFilter extends GuardFilter {
  /** For the container, which gives the init-params. */
  public ConcurrencyFilter() {}

  /** A filter that limits by this stage. */
  public ConcurrencyFilter(ConcurrencyStage stage) {
    super(Place.CALLER_LIMIT, stage);
  }

  @Override
  void assemble(Assembly parts) {
    parts.concurrency();
  }
}
