package io.llmguard.upstream;

import io.llmguard.Exchange;
import io.llmguard.RequestBody;
import io.llmguard.policy.Endpoint;
import io.llmguard.wire.Operation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Decides where a call goes after an attempt that failed; used by one thread at a time. */
final class Retrying {
  private static final Logger log = LoggerFactory.getLogger(Retrying.class);

  private final Exchange exchange;
  private final UpstreamRouter router;
  private final RetryPolicy policy;
  private final RetryBudget budget;
  private volatile List<Route.To> tried = List.of();
  private int retries;

  private Retrying(
      Exchange exchange, UpstreamRouter router, RetryPolicy policy, RetryBudget budget) {
    this.exchange = exchange;
    this.router = router;
    this.policy = policy;
    this.budget = budget;
  }

  /** Null for a call that is never tried again. */
  static @Nullable Retrying of(
      Exchange exchange,
      UpstreamRouter router,
      @Nullable RetryPolicy policy,
      @Nullable RetryBudget budget) {
    if (policy == null || budget == null || changesTheServer(exchange)) {
      return null;
    }
    budget.deposit();
    return new Retrying(exchange, router, policy, budget);
  }

  /** True for what must not happen twice, or is not known to be harmless. */
  static boolean changesTheServer(Exchange exchange) {
    Endpoint endpoint = exchange.endpoint();
    Operation operation = endpoint == null ? Operation.OTHER : endpoint.operation();
    return switch (operation.kind()) {
      case GENERATION, EMBEDDING, TRANSCRIPTION, MODEL_LIST, MODEL_INFO -> false;
      case MANAGEMENT -> true;
      case INFO -> {
        String method = exchange.method();
        yield !method.equals("GET") && !method.equals("HEAD");
      }
    };
  }

  /** What comes next, and after how many nanoseconds. */
  record Next(Route route, long waitNanos) {}

  void trying(Route.To route) {
    Placement place = route.placement();
    Placement before = tried.isEmpty() ? null : tried.get(tried.size() - 1).placement();
    if (place != null && before != null && !place.model().equals(before.model())) {
      retries = 0;
    }
    List<Route.To> now = new ArrayList<>(tried);
    now.add(route);
    tried = List.copyOf(now);
  }

  /** True if a failure of this attempt might be hidden from the client. */
  boolean possible(Attempt attempt) {
    return (retries < policy.retries() || router.hasFallback(exchange, tried))
        && !(attempt.route().body() instanceof RequestBody.PassThrough);
  }

  int heldBytes() {
    return policy.heldBytes();
  }

  /** How many models were tried beside the one that was asked for. */
  int fallbacks() {
    List<Route.To> all = tried;
    int fallbacks = 0;
    for (int i = 1; i < all.size(); i++) {
      Placement before = all.get(i - 1).placement();
      Placement now = all.get(i).placement();
      if (before != null && now != null && !before.model().equals(now.model())) {
        fallbacks++;
      }
    }
    return fallbacks;
  }

  /**
   * Where the call goes after the attempt, which was reported to the router; null if its failure
   * stands.
   *
   * @param took how many nanoseconds the attempt took
   * @param leftNanos how many nanoseconds the call has left
   */
  @Nullable Next after(Attempt attempt, long took, long leftNanos) {
    if (leftNanos <= 0 || !possible(attempt) || !policy.fastEnough(took) || !budget.withdraw()) {
      return null;
    }
    boolean left = retries < policy.retries();
    Route route = route(left);
    if (route instanceof Route.To to) {
      Next next = next(to, attempt.retryAfter());
      if (next != null && next.waitNanos() < leftNanos) {
        retries++;
        return next;
      }
      release(to);
    } else if (route instanceof Route.Later) {
      retries++;
      return new Next(route, 0);
    }
    budget.giveBack();
    return null;
  }

  private @Nullable Route route(boolean left) {
    try {
      return router.again(exchange, tried, left);
    } catch (RuntimeException e) {
      log.error("the router failed with {}", e.getClass().getName());
      log.debug("the router failed", e);
      return null;
    }
  }

  private @Nullable Next next(Route.To to, @Nullable Duration retryAfter) {
    int before = 0;
    for (Route.To earlier : tried) {
      if (samePlace(earlier, to)) {
        before++;
      }
    }
    if (before == 0) {
      return new Next(to, 0);
    }
    long wait = policy.backOff(before, ThreadLocalRandom.current());
    if (retryAfter != null && samePlace(tried.get(tried.size() - 1), to)) {
      if (retryAfter.compareTo(policy.maxWait()) > 0) {
        return null;
      }
      wait = Math.max(wait, retryAfter.toNanos());
    }
    return new Next(to, wait);
  }

  private static boolean samePlace(Route.To one, Route.To other) {
    Placement a = one.placement();
    Placement b = other.placement();
    return (a == null || b == null)
        ? one.upstream().equals(other.upstream())
        : a.deployment().equals(b.deployment());
  }

  /** Gives back a place that is not going to be used. */
  static void release(Route.To to) {
    Placement placement = to.placement();
    if (placement != null) {
      placement.ended(
          new AttemptResult(
              new UpstreamFailure(UpstreamFailure.Kind.CANCELLED, "not sent"), 0, -1, 0, null));
    }
  }
}
