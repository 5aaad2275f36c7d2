package io.llmguard.reactive;

import io.llmguard.StandardGuard.Place;
import io.llmguard.audit.AuditStage;

/**
 * Writes one audit line for each call, whatever becomes of it; stands before the other filters,
 * whose findings and refusals are in the line.
 */
public final class AuditWebFilter extends GuardWebFilter {
  /** A filter that audits by this stage. */
  public AuditWebFilter(AuditStage stage) {
    super(Place.OBSERVE, stage);
  }
}
