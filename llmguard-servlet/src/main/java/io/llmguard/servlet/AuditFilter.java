package io.llmguard.servlet;

import io.llmguard.StandardGuard.Place;
import io.llmguard.audit.AuditStage;
import io.llmguard.servlet.internal.Assembly;

/**
 * Writes one audit line for each call, whatever becomes of it; stands before the other filters,
 * whose findings and refusals are in the line.
 *
 * <p>Init-params: {@code file}, {@code fsync} ({@code true} or {@code false}; false unless set),
 * {@code trusted-proxies} (address blocks).
 */
public final class AuditFilter extends GuardFilter {
  /** For the container, which gives the init-params. */
  public AuditFilter() {}

  /** A filter that audits by this stage. */
  public AuditFilter(AuditStage stage) {
    super(Place.OBSERVE, stage);
  }

  @Override
  void assemble(Assembly parts) {
    parts.audit("file");
    parts.clientAddress();
  }
}
