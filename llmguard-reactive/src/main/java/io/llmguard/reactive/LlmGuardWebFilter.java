package io.llmguard.reactive;

import io.llmguard.Guard;

/** The whole guard as one filter: whatever stages its {@link Guard} has, in their order. */
public final class LlmGuardWebFilter extends GuardWebFilter {
  /** A filter over a guard, which stays its owner's to close. */
  public LlmGuardWebFilter(Guard guard) {
    super(guard);
  }
}
