package io.llmguard.servlet;

import io.llmguard.Guard;

/**
 * The whole guard as one filter: whatever stages its {@link Guard} has, in their order.
 *
 * <pre>{@code
 * new LlmGuardFilter(guard).addTo(servletContext, "llmguard", "/*");
 * }</pre>
 */
public final class LlmGuardFilter extends GuardFilter {
  /** A filter over a guard, which stays its owner's to close. */
  public LlmGuardFilter(Guard guard) {
    super(guard);
  }
}
