package io.llmguard.limit;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.Stage;
import io.llmguard.StoreBacked;
import io.llmguard.auth.Caller;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Limits the calls of each caller, whatever its kind: no credential is exempt.
 *
 * <p>Refuses with 429 {@code rate-limit} and {@code Retry-After}. A caller's own limit wins over
 * the configured one; where there is neither, and where nobody was authenticated, calls pass
 * uncounted. A caller whose tokens ({@link TokenRateLimitStage}) are used up is refused here
 * already, with 429 {@code token-limit}, before a request is charged. The charge is given back when
 * a later stage refuses the call. The policy is {@code per-key}.
 */
public final class CallerRateLimitStage implements Stage, StoreBacked {
  /** The policy's name. */
  public static final String POLICY = "per-key";

  private final Exchange.Key<Charges> charged = new Exchange.Key<>(POLICY, Charges.class);
  private final LimitSet configured;
  private final Limiter requests;
  private final Limiter tokens;

  /** A stage that enforces requests and tokens of these limits. */
  public CallerRateLimitStage(RateLimitStore store, LimitSet configured) {
    this(store, configured, LimitMode.ENFORCE, LimitMode.ENFORCE, LimitListener.NONE);
  }

  /**
   * A stage over a store, which whoever made it closes.
   *
   * @param configured the limits of callers that have none of their own; requests and tokens are
   *     looked at
   * @param requestMode how strictly the limit on requests is held
   * @param tokenMode how strictly the limit on tokens is held: as in the {@link
   *     TokenRateLimitStage}
   */
  public CallerRateLimitStage(
      RateLimitStore store,
      LimitSet configured,
      LimitMode requestMode,
      LimitMode tokenMode,
      LimitListener listener) {
    this.configured = configured;
    this.requests = new Limiter(POLICY, "rate-limit", "requests", store, requestMode, listener);
    this.tokens = TokenRateLimitStage.limiter(store, tokenMode, listener);
  }

  @Override
  public String name() {
    return "caller-rate-limit";
  }

  @Override
  public boolean storeAvailable() {
    return requests.storeAvailable() && tokens.storeAvailable();
  }

  @Override
  public boolean failsOpen() {
    return requests.failsOpen() && tokens.failsOpen();
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    Caller caller = exchange.caller();
    if (caller == null) {
      return exchange.admit();
    }
    RateLimit requestLimit = own(caller.limits().requests(), configured.requests());
    RateLimit tokenLimit = own(caller.limits().tokens(), configured.tokens());
    Charge request =
        requestLimit == null
            ? null
            : Charge.take(requests, LimitKey.of(POLICY, caller.id()), requestLimit, 1);
    Charge token =
        tokenLimit == null
            ? null
            : Charge.check(
                tokens, LimitKey.of(TokenRateLimitStage.POLICY, caller.id()), tokenLimit, 1);
    if (request == null) {
      return token == null ? exchange.admit() : Charges.hold(exchange, null, token);
    }
    return token == null
        ? Charges.hold(exchange, charged, request)
        : Charges.hold(exchange, charged, request, token);
  }

  static @Nullable RateLimit own(@Nullable RateLimit callers, @Nullable RateLimit configured) {
    return callers != null ? callers : configured;
  }

  @Override
  public void settle(Exchange exchange, Outcome outcome) {
    Charges.settle(exchange, outcome, charged);
  }
}
