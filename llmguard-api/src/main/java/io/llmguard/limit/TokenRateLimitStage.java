package io.llmguard.limit;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.Stage;
import io.llmguard.StoreBacked;
import io.llmguard.auth.Caller;
import io.llmguard.limit.TokenEstimator.Estimate;
import io.llmguard.wire.Call;
import io.llmguard.wire.Usage;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Limits the tokens, input and output, that each caller takes over time.
 *
 * <p>It stands after the stage that reads the body. An estimate is taken before the call, so that
 * calls at the same time cannot all pass on what is there for one; an estimate larger than the
 * whole bucket takes a full bucket. When the call ends, the difference to what was really used is
 * given back or taken; what the bucket does not hold becomes a debt, and the next call waits until
 * it is refilled. What a client that left early has used counts.
 *
 * <p>Refuses with 429 {@code token-limit} and {@code Retry-After}. The policy is {@code
 * tokens-per-key}; its quota unit {@code tokens} is not among the registered ones. Thread-safe.
 */
public final class TokenRateLimitStage implements Stage, StoreBacked {
  /** The policy's name. */
  public static final String POLICY = "tokens-per-key";

  /** No call counts more than so many tokens, whatever an upstream claims. */
  public static final long MOST_OF_A_CALL = 10_000_000;

  private static final TokenEstimator DEFAULT_ESTIMATOR = TokenEstimator.byLength(512);

  private final Exchange.Key<Charges> charged = new Exchange.Key<>(POLICY, Charges.class);
  private final @Nullable RateLimit configured;
  private final Limiter limiter;
  private final TokenEstimator estimator;

  private TokenRateLimitStage(Builder builder) {
    configured = builder.configured;
    estimator = builder.estimator;
    limiter = limiter(builder.store, builder.mode, builder.listener);
  }

  static Limiter limiter(RateLimitStore store, LimitMode mode, LimitListener listener) {
    return new Limiter(POLICY, "token-limit", "tokens", store, mode, listener);
  }

  /** A builder of a stage that enforces the callers' own limits over a store. */
  public static Builder builder(RateLimitStore store) {
    return new Builder(store);
  }

  @Override
  public String name() {
    return "token-rate-limit";
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
    Caller caller = exchange.caller();
    Call call = exchange.call();
    if (caller == null || call == null || !takesTokens(call)) {
      return exchange.admit();
    }
    RateLimit limit = CallerRateLimitStage.own(caller.limits().tokens(), configured);
    if (limit == null) {
      return exchange.admit();
    }
    long reserved = Math.max(1, Math.min(estimator.estimate(call).total(), limit.capacity()));
    LimitKey key = LimitKey.of(POLICY, caller.id());
    return Charges.hold(exchange, charged, Charge.take(limiter, key, limit, reserved));
  }

  private static boolean takesTokens(Call call) {
    return switch (call.operation().kind()) {
      case GENERATION, EMBEDDING, TRANSCRIPTION -> true;
      case MODEL_LIST, MODEL_INFO, MANAGEMENT, INFO -> false;
    };
  }

  @Override
  public void settle(Exchange exchange, Outcome outcome) {
    Charges charges = exchange.get(charged);
    Charge reserved = charges == null ? null : charges.taken(0);
    Call call = exchange.call();
    if (charges == null || reserved == null || call == null) {
      return;
    }
    if (exchange.refusedUnanswered(outcome)) {
      charges.giveBack();
      return;
    }
    long used = Math.max(0, Math.min(used(exchange, outcome, call, reserved), MOST_OF_A_CALL));
    if (used > reserved.amount()) {
      limiter.charge(reserved.withAmount(used - reserved.amount()));
    } else if (used < reserved.amount()) {
      limiter.refund(reserved.withAmount(reserved.amount() - used));
    }
  }

  private long used(Exchange exchange, Outcome outcome, Call call, Charge reserved) {
    Usage usage = exchange.usage();
    long events = exchange.meter().outputEvents();
    if (usage != null && !usage.estimated()) {
      long reported = sum(usage.inputTokens(), usage.outputTokens());
      // counts that came in the middle of a stream are behind what has passed
      return exchange.meter().finished()
          ? reported
          : Math.max(reported, sum(usage.inputTokens(), events));
    }
    Estimate estimate = estimator.estimate(call);
    if (events > 0) {
      return sum(estimate.input(), events);
    }
    boolean nothingDone =
        outcome.kind() == Outcome.Kind.UPSTREAM_FAILED || exchange.status() >= 500;
    boolean refusedUpstream = exchange.status() >= 400 && exchange.status() < 499;
    return nothingDone || refusedUpstream ? 0 : reserved.amount();
  }

  private static long sum(long input, long output) {
    long sum = Math.max(0, input) + Math.max(0, output);
    return sum < 0 ? Long.MAX_VALUE : sum;
  }

  /** Collects the options. Not thread-safe. */
  public static final class Builder {
    private final RateLimitStore store;
    private @Nullable RateLimit configured;
    private LimitMode mode = LimitMode.ENFORCE;
    private LimitListener listener = LimitListener.NONE;
    private TokenEstimator estimator = DEFAULT_ESTIMATOR;

    private Builder(RateLimitStore store) {
      this.store = Objects.requireNonNull(store);
    }

    /** The limit of callers that have none of their own; none unless set. */
    public Builder limit(@Nullable RateLimit value) {
      configured = value;
      return this;
    }

    /** How strictly it is held; {@link LimitMode#ENFORCE} unless set. */
    public Builder mode(LimitMode value) {
      mode = Objects.requireNonNull(value);
      return this;
    }

    /** Who hears of it; nobody unless set. */
    public Builder listener(LimitListener value) {
      listener = Objects.requireNonNull(value);
      return this;
    }

    /** Estimates calls; by length, with 512 output tokens without a ceiling, unless set. */
    public Builder estimator(TokenEstimator value) {
      estimator = Objects.requireNonNull(value);
      return this;
    }

    /** The stage. */
    public TokenRateLimitStage build() {
      return new TokenRateLimitStage(this);
    }
  }
}
