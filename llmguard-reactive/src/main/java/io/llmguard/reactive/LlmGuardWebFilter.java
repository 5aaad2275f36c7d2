package io.llmguard.reactive;

import io.llmguard.Guard;
import io.llmguard.assembly.GuardBuilder;

/**
 * The whole guard as one filter: whatever stages its {@link Guard} has, in their order.
 *
 * <pre>{@code
 * LlmGuardWebFilter.builder()
 *     .authenticator(ApiKeyAuthenticator.builder().keys(keys).build())
 *     .perCaller(new RateLimit(10, Duration.ofMinutes(1), 5))
 *     .build()
 * }</pre>
 */
public final class LlmGuardWebFilter extends GuardWebFilter {
  /** A filter over a guard, which stays its owner's to close. */
  public LlmGuardWebFilter(Guard guard) {
    super(guard);
  }

  private LlmGuardWebFilter(Guard guard, AutoCloseable owned) {
    super(guard, owned);
  }

  /** A builder of a filter with every default, and without an authenticator. */
  public static GuardBuilder<LlmGuardWebFilter> builder() {
    return new GuardBuilder<>(LlmGuardWebFilter::new);
  }
}
