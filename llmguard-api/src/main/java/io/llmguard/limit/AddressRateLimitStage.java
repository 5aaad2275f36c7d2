package io.llmguard.limit;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Stage;
import io.llmguard.StoreBacked;
import java.util.concurrent.CompletionStage;

/**
 * Limits the calls of each address; stands before authentication, so that guessing credentials is
 * limited too.
 *
 * <p>Refuses with 429 {@code rate-limit} and {@code Retry-After}. What it charges stays charged,
 * also when a later stage refuses the call. IPv6 addresses count by their network of 64 bits. The
 * address is {@link Exchange#clientAddress}. The policy is {@code per-ip}.
 */
public final class AddressRateLimitStage implements Stage, StoreBacked {
  /** The policy's name. */
  public static final String POLICY = "per-ip";

  private final RateLimit limit;
  private final Limiter limiter;

  /** A stage that enforces the limit. */
  public AddressRateLimitStage(RateLimitStore store, RateLimit limit) {
    this(store, limit, LimitMode.ENFORCE, LimitListener.NONE);
  }

  /** A stage over a store, which whoever made it closes. */
  public AddressRateLimitStage(
      RateLimitStore store, RateLimit limit, LimitMode mode, LimitListener listener) {
    this.limit = limit;
    this.limiter = new Limiter(POLICY, "rate-limit", "requests", store, mode, listener);
  }

  @Override
  public String name() {
    return "address-rate-limit";
  }

  @Override
  public boolean storeAvailable() {
    return limiter.storeAvailable();
  }

  @Override
  public boolean failsOpen() {
    return limiter.failsOpen();
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    LimitKey key = LimitKey.ofAddress(POLICY, exchange.clientAddress());
    return Charges.hold(exchange, null, Charge.take(limiter, key, limit, 1));
  }
}
