package io.llmguard.limit;

import io.llmguard.HeaderMap;
import io.llmguard.Refusal;
import io.llmguard.limit.LimitListener.Event;
import io.llmguard.limit.RateLimitStore.Probe;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** One policy over a store: asks, judges the answer, and announces it. Thread-safe. */
final class Limiter {
  private static final long SECOND = 1_000_000_000L;

  private final String policy;
  private final String reason;
  private final String unit;
  private final RateLimitStore store;
  private final LimitMode mode;
  private final LimitListener listener;
  private final String serviceLimitPrefix;
  private volatile boolean storeAvailable = true;
  private volatile @Nullable Charge failed;
  private volatile @Nullable PolicyField field;

  /** The value of RateLimit-Policy, which stays the same for a limit. */
  private record PolicyField(RateLimit limit, String value) {}

  /**
   * A limiter.
   *
   * @param policy a fixed word: it goes to every client
   * @param unit what is counted
   */
  Limiter(
      String policy,
      String reason,
      String unit,
      RateLimitStore store,
      LimitMode mode,
      LimitListener listener) {
    this.policy = policy;
    this.reason = reason;
    this.unit = unit;
    this.store = store;
    this.mode = mode;
    this.listener = listener;
    this.serviceLimitPrefix = "\"" + policy + "\";r=";
  }

  String policy() {
    return policy;
  }

  /**
   * False from a failure of the store to its next answer, for which it is asked again here: where
   * nobody calls because nothing works, nothing else would find out.
   */
  boolean storeAvailable() {
    Charge unanswered = failed;
    if (!storeAvailable && unanswered != null) {
      failed = null; // one question at a time
      var unused =
          ask(unanswered, false)
              .whenComplete(
                  (probe, failure) -> {
                    if (failure == null) {
                      storeAvailable = true;
                    } else {
                      failed = unanswered;
                    }
                  });
    }
    return storeAvailable;
  }

  /** True if calls pass unchecked while the store fails. */
  boolean failsOpen() {
    return mode.failOpen() || mode.shadow();
  }

  CompletionStage<Probe> ask(Charge charge, boolean consume) {
    try {
      return consume
          ? store.tryConsume(charge.key(), charge.limit(), charge.amount())
          : store.peek(charge.key(), charge.limit(), charge.amount());
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** Gives back what a call took. */
  void refund(Charge charge) {
    watch(charge, () -> store.refund(charge.key(), charge.limit(), charge.amount()));
  }

  /** Takes more than was asked for before, into debt if need be. */
  void charge(Charge charge) {
    watch(charge, () -> store.charge(charge.key(), charge.limit(), charge.amount()));
  }

  private void watch(Charge charge, java.util.function.Supplier<CompletionStage<Void>> operation) {
    try {
      operation.get().whenComplete((done, failure) -> answered(charge, failure == null));
    } catch (RuntimeException e) {
      answered(charge, false);
    }
  }

  private void answered(Charge charge, boolean well) {
    if (!well) {
      failed = charge;
    }
    if (storeAvailable != well) {
      storeAvailable = well;
    }
  }

  /**
   * Judges an answer.
   *
   * @param probe the answer, or null if the store failed
   * @param last true if nothing more is asked of this limit for this call
   * @return why the call may not go on, or null
   */
  @Nullable Refusal judge(
      Charge charge, @Nullable Probe probe, boolean last, HeaderMap responseHeaders) {
    answered(charge, probe != null);
    if (probe == null) {
      return unchecked();
    }
    if (probe.admitted()) {
      if (last) {
        listener.heard(policy, Event.ADMITTED);
        announce(charge.limit(), probe, responseHeaders);
      }
      return null;
    }
    if (mode.shadow()) {
      if (last) {
        listener.heard(policy, Event.SHADOW_REFUSED);
      }
      return null;
    }
    listener.heard(policy, Event.REFUSED);
    announce(charge.limit(), probe, responseHeaders);
    return refusal(probe);
  }

  private @Nullable Refusal unchecked() {
    if (failsOpen()) {
      listener.heard(policy, Event.PASSED_UNCHECKED);
      return null;
    }
    listener.heard(policy, Event.REFUSED_UNCHECKED);
    return Refusal.of(
            503, "limit-unavailable", "the limits cannot be checked right now; try again later")
        .with("Retry-After", "1");
  }

  private Refusal refusal(Probe probe) {
    if (probe.nanosToAdmission() == Long.MAX_VALUE) {
      return Refusal.of(
          429, reason, "this call alone is larger than the limit on " + unit + " allows");
    }
    long seconds = Math.max(1, ceilSeconds(probe.nanosToAdmission()));
    return Refusal.of(
            429, reason, "too many " + unit + " (" + policy + "); try again in " + seconds + " s")
        .with("Retry-After", Long.toString(seconds));
  }

  private void announce(RateLimit limit, Probe probe, HeaderMap headers) {
    if (mode.shadow()) {
      return;
    }
    headers.add("RateLimit-Policy", policyField(limit));
    headers.add(
        "RateLimit",
        serviceLimitPrefix + probe.remaining() + ";t=" + ceilSeconds(probe.nanosToNext()));
  }

  private String policyField(RateLimit limit) {
    PolicyField last = field;
    if (last == null || !last.limit.equals(limit)) {
      last = new PolicyField(limit, format(limit));
      field = last;
    }
    return last.value;
  }

  private String format(RateLimit limit) {
    long window = ceilSeconds(limit.per().toNanos());
    // the window is in whole seconds: a period that is not is stretched, and its quota with it
    double stretch = window * (double) SECOND / limit.per().toNanos();
    long quota = stretch == 1 ? limit.amount() : (long) (limit.amount() * stretch);
    String quotaUnit = unit.equals("requests") ? "" : ";qu=\"" + unit + "\"";
    return "\"" + policy + "\";q=" + quota + quotaUnit + ";w=" + window;
  }

  private static long ceilSeconds(long nanos) {
    return nanos / SECOND + (nanos % SECOND == 0 ? 0 : 1);
  }
}
