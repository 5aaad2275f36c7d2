package io.llmguard.servlet;

import io.llmguard.Guard;
import io.llmguard.assembly.GuardBuilder;
import io.llmguard.servlet.internal.Assembly;

/**
 * The whole guard as one filter: whatever stages its {@link Guard} has, in their order.
 *
 * <pre>{@code
 * LlmGuardFilter.builder()
 *     .authenticator(ApiKeyAuthenticator.builder().keys(keys).build())
 *     .perCaller(new RateLimit(10, Duration.ofMinutes(1), 5))
 *     .build()
 *     .addTo(servletContext, "llmguard", "/*");
 * }</pre>
 *
 * <p>The same stages from init-params: {@code trusted-proxies}, {@code plain-http}, {@code hosts},
 * {@code redirect-port}, {@code hsts}, {@code allow}, {@code deny}, {@code per-ip} ({@code 30 per
 * 1m burst 10} unless set), {@code per-key} ({@code 10 per 1m burst 5} unless set), {@code
 * tokens-per-key} ({@code 50000 per 1m}; a period's whole amount may come at once unless a burst is
 * set), {@code per-model} ({@code llama3* = 10 per 1m; mistral = 5 per 1m burst 2}, each over all
 * callers), {@code concurrency-per-caller}, {@code concurrency-in-all}; bodies, forms and ceilings
 * as {@link BodyPolicyFilter} has them; {@code audit-file}, {@code fsync}; and for at least one
 * kind of credential {@code database} or {@code master-key-variable} as {@link ApiKeyFilter} has
 * them, {@code issuer}, {@code audience}, {@code jwks} and {@code algorithms} as {@link JwtFilter}
 * has them, {@code certificate-subjects} and the like as {@link ClientCertificateFilter} has them
 * without the prefix; and {@code realm}.
 */
public final class LlmGuardFilter extends GuardFilter {
  /** For the container, which gives the init-params. */
  public LlmGuardFilter() {}

  /** A filter over a guard, which stays its owner's to close. */
  public LlmGuardFilter(Guard guard) {
    super(guard);
  }

  private LlmGuardFilter(Guard guard, AutoCloseable owned) {
    super(guard, owned);
  }

  /** A builder of a filter with the defaults of init-params, and without an authenticator. */
  public static GuardBuilder<LlmGuardFilter> builder() {
    return new GuardBuilder<>(LlmGuardFilter::new);
  }

  @Override
  void assemble(Assembly parts) {
    parts.whole();
  }
}
