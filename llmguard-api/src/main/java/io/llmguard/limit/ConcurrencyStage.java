package io.llmguard.limit;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import io.llmguard.auth.Caller;
import io.llmguard.limit.LimitListener.Event;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Limits how many calls are under way at once: of each caller, and in all.
 *
 * <p>Refuses with 429 {@code concurrency} and {@code Retry-After: 1}. A caller's own limit wins
 * over the configured one; calls without a caller count in the total only. A place is given back
 * exactly once, when the call ends, however it ends. Counts are of this process. The policies are
 * {@code concurrency-per-key} and {@code concurrency}. Thread-safe.
 */
public final class ConcurrencyStage implements Stage {
  /** The name of the policy that counts each caller apart. */
  public static final String CALLER_POLICY = "concurrency-per-key";

  /** The name of the policy that counts all calls together. */
  public static final String POLICY = "concurrency";

  private static final Refusal CALLER_FULL =
      Refusal.of(429, "concurrency", "too many calls of this caller at once; let one end first")
          .with("Retry-After", "1");
  private static final Refusal FULL =
      Refusal.of(429, "concurrency", "too many calls at once; try again shortly")
          .with("Retry-After", "1");

  private final Exchange.Key<Place> places = new Exchange.Key<>(POLICY, Place.class);
  private final ConcurrentHashMap<String, Integer> callers;
  private final AtomicInteger total;
  private final int perCaller;
  private final int inAll;
  private final boolean shadow;
  private final LimitListener listener;

  /**
   * A stage that enforces its limits.
   *
   * @param perCaller calls of one caller at once; 0 for no limit but the callers' own
   * @param inAll calls at once; 0 for no limit
   */
  public ConcurrencyStage(int perCaller, int inAll) {
    this(perCaller, inAll, false, LimitListener.NONE);
  }

  /**
   * A stage.
   *
   * @param perCaller calls of one caller at once; 0 for no limit but the callers' own
   * @param inAll calls at once; 0 for no limit
   * @param shadow true to count and report, and to refuse nothing
   */
  public ConcurrencyStage(int perCaller, int inAll, boolean shadow, LimitListener listener) {
    this(perCaller, inAll, shadow, listener, new ConcurrentHashMap<>(), new AtomicInteger());
  }

  private ConcurrencyStage(
      int perCaller,
      int inAll,
      boolean shadow,
      LimitListener listener,
      ConcurrentHashMap<String, Integer> callers,
      AtomicInteger total) {
    if (perCaller < 0 || inAll < 0) {
      throw new IllegalArgumentException(
          "a limit on calls at once is not negative: " + perCaller + ", " + inAll);
    }
    this.perCaller = perCaller == 0 ? Integer.MAX_VALUE : perCaller;
    this.inAll = inAll == 0 ? Integer.MAX_VALUE : inAll;
    this.shadow = shadow;
    this.listener = listener;
    this.callers = callers;
    this.total = total;
  }

  /**
   * A stage with other limits that counts together with this one: the calls under way that either
   * has let in hold their places in both.
   *
   * @param newPerCaller calls of one caller at once; 0 for no limit but the callers' own
   * @param newInAll calls at once; 0 for no limit
   * @param newShadow true to count and report, and to refuse nothing
   */
  public ConcurrencyStage withLimits(int newPerCaller, int newInAll, boolean newShadow) {
    return new ConcurrencyStage(newPerCaller, newInAll, newShadow, listener, callers, total);
  }

  @Override
  public String name() {
    return "concurrency";
  }

  /** Calls under way. */
  public int underWay() {
    return total.get();
  }

  /** Callers with calls under way. */
  int callersUnderWay() {
    return callers.size();
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    Caller caller = exchange.caller();
    String id = caller == null ? null : caller.id();
    if (caller != null && !enterCaller(caller)) {
      return exchange.refuse(CALLER_FULL);
    }
    if (!enterTotal()) {
      leaveCaller(id);
      return exchange.refuse(FULL);
    }
    exchange.put(places, new Place(id));
    return exchange.admit();
  }

  private boolean enterCaller(Caller caller) {
    Integer own = caller.limits().concurrency();
    int limit = own == null ? perCaller : own;
    int now = callers.merge(caller.id(), 1, Integer::sum);
    return heard(CALLER_POLICY, now <= limit) || leaveCaller(caller.id());
  }

  private boolean enterTotal() {
    while (true) {
      int now = total.get();
      boolean within = now < inAll;
      // refused calls are never counted, so that a flood of them keeps nobody else out
      if (!within && !shadow) {
        return heard(POLICY, false);
      }
      if (total.compareAndSet(now, now + 1)) {
        return heard(POLICY, within);
      }
    }
  }

  /** Reports, and answers whether the call may go on. */
  private boolean heard(String policy, boolean within) {
    listener.heard(policy, within ? Event.ADMITTED : shadow ? Event.SHADOW_REFUSED : Event.REFUSED);
    return within || shadow;
  }

  /** Always false. */
  private boolean leaveCaller(@Nullable String id) {
    if (id != null) {
      callers.computeIfPresent(id, (key, calls) -> calls == 1 ? null : calls - 1);
    }
    return false;
  }

  @Override
  public void settle(Exchange exchange, Outcome outcome) {
    Place place = exchange.get(places);
    if (place != null && place.held.compareAndSet(true, false)) {
      total.decrementAndGet();
      leaveCaller(place.caller);
    }
  }

  /** What a call holds until it ends. */
  private static final class Place {
    private final @Nullable String caller;
    private final AtomicBoolean held = new AtomicBoolean(true);

    Place(@Nullable String caller) {
      this.caller = caller;
    }
  }
}
