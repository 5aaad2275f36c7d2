package io.llmguard.upstream;

import java.time.Duration;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * When a call that failed at its upstream is sent again, at the same one or at another; immutable.
 *
 * <p>Only while its client has seen nothing of an answer, only where the body can be sent again,
 * and never for a call that changes the server. What is tried again: connections that fail,
 * time-outs before the answer, statuses 429 and 5xx (but 501 and 505), and answers that break off.
 * Each retry takes from a budget, so that retries cannot multiply the load on servers that are
 * down.
 */
public final class RetryPolicy {
  private final int retries;
  private final Duration firstWait;
  private final Duration maxWait;
  private final Duration leastWait;
  private final @Nullable Duration onlyWithin;
  private final double budgetRatio;
  private final int budgetReserve;
  private final int heldBytes;

  private RetryPolicy(Builder builder) {
    retries = builder.retries;
    firstWait = builder.firstWait;
    maxWait = builder.maxWait;
    leastWait = builder.leastWait;
    onlyWithin = builder.onlyWithin;
    budgetRatio = builder.budgetRatio;
    budgetReserve = builder.budgetReserve;
    heldBytes = builder.heldBytes;
  }

  /**
   * A builder of a policy.
   *
   * @param retries how often a call is tried again for the same model, 0 or more
   */
  public static Builder builder(int retries) {
    return new Builder(retries);
  }

  /** How often a call is tried again for the same model. */
  public int retries() {
    return retries;
  }

  /** The longest wait between two attempts. */
  public Duration maxWait() {
    return maxWait;
  }

  /** How many bytes of an answer that is no stream are held until it is whole. */
  int heldBytes() {
    return heldBytes;
  }

  RetryBudget newBudget() {
    return new RetryBudget(budgetRatio, budgetReserve);
  }

  /** False if a failure that took so long is not tried again. */
  boolean fastEnough(long nanos) {
    return onlyWithin == null || nanos <= onlyWithin.toNanos();
  }

  /** True for the statuses of a server that may do better the next time, or elsewhere. */
  static boolean covers(int status) {
    return status == 429 || (status >= 500 && status != 501 && status != 505);
  }

  static boolean covers(UpstreamFailure.Kind kind) {
    return switch (kind) {
      case CONNECT, CONNECT_TIMEOUT, BEFORE_HEAD, AFTER_HEAD, FIRST_BYTE_TIMEOUT, IDLE_TIMEOUT ->
          true;
      case TOTAL_TIMEOUT, REQUEST_BODY, CANCELLED -> false;
    };
  }

  /**
   * How long to wait before the same upstream is asked again, in nanoseconds: between half and all
   * of a time that doubles with each retry.
   *
   * @param retry the number of the retry, from 1
   */
  long backOff(int retry, RandomGenerator random) {
    long most = maxWait.toNanos();
    long full = firstWait.toNanos();
    for (int i = 1; i < retry && full < most; i++) {
      full *= 2;
    }
    full = Math.min(full, most);
    long wait = full / 2 + (full > 1 ? random.nextLong(full / 2 + 1) : 0);
    return Math.max(wait, leastWait.toNanos());
  }

  /** Collects what a policy is. Not thread-safe. */
  public static final class Builder {
    private final int retries;
    private Duration firstWait = Duration.ofMillis(200);
    private Duration maxWait = Duration.ofSeconds(8);
    private Duration leastWait = Duration.ZERO;
    private @Nullable Duration onlyWithin;
    private double budgetRatio = 0.2;
    private int budgetReserve = 100;
    private int heldBytes = 256 * 1024;

    private Builder(int retries) {
      if (retries < 0) {
        throw new IllegalArgumentException("retries are 0 or more: " + retries);
      }
      this.retries = retries;
    }

    /**
     * How long to wait before an upstream is asked again that was asked before for the same call:
     * the first wait, which doubles each time up to the longest, and of which a random part of up
     * to a half is left out. 200 ms and 8 s unless set. A {@code Retry-After} is waited out
     * instead; one longer than {@code most} ends the retries. Another upstream is asked at once.
     */
    public Builder waits(Duration first, Duration most) {
      if (first.isNegative() || first.compareTo(most) > 0 || most.compareTo(MOST) > 0) {
        throw new IllegalArgumentException(
            "waits are 0 to an hour, the first at most the longest: " + first + ", " + most);
      }
      firstWait = first;
      maxWait = most;
      return this;
    }

    /** What no wait is shorter than, whatever the back-off says; nothing unless set. */
    public Builder leastWait(Duration value) {
      if (value.isNegative() || value.compareTo(MOST) > 0) {
        throw new IllegalArgumentException("the least wait is 0 to an hour: " + value);
      }
      leastWait = value;
      return this;
    }

    private static final Duration MOST = Duration.ofHours(1);

    /**
     * Only an attempt that failed within this time is followed by another one: a failure that took
     * long would take its client's patience twice. Any failure unless set.
     */
    public Builder onlyWithin(Duration value) {
      if (value.isNegative() || value.isZero()) {
        throw new IllegalArgumentException("a fast failure takes some time: " + value);
      }
      onlyWithin = value;
      return this;
    }

    /**
     * How many retries there may be beside the calls: of {@code reserve} retries each takes one,
     * and each call puts {@code ratio} of one back, up to the reserve. 0.2 and 100 unless set.
     */
    public Builder budget(double ratio, int reserve) {
      if (!(ratio >= 0 && ratio <= 100) || reserve < 0) {
        throw new IllegalArgumentException(
            "a budget has a ratio of 0 to 100 and a reserve of 0 or more: " + ratio);
      }
      budgetRatio = ratio;
      budgetReserve = reserve;
      return this;
    }

    /**
     * How many bytes of an answer that is no stream are held back until it is whole, so that one
     * that breaks off can be tried again; 256 KiB unless set, 0 for none.
     */
    public Builder heldBytes(int value) {
      if (value < 0) {
        throw new IllegalArgumentException("held bytes are 0 or more: " + value);
      }
      heldBytes = value;
      return this;
    }

    /** The policy. */
    public RetryPolicy build() {
      return new RetryPolicy(this);
    }
  }
}
