package io.llmguard.limit;

import java.time.Duration;

/**
 * So many per period, with a burst above the steady rate: nginx's {@code limit_req rate burst
 * nodelay}, to the request.
 *
 * <p>It is a bucket of capacity {@code burst + 1} that is refilled greedily: 10 per minute with
 * burst 5 admits 6 at once, then one each 6 seconds.
 *
 * @param amount how many are refilled in each period; at least 1, and at most one each nanosecond
 * @param per the period; 1 ms to 3,660 days
 * @param burst how many above the first are admitted at once; at least 0
 */
public record RateLimit(long amount, Duration per, long burst) {
  private static final Duration LONGEST = Duration.ofDays(3660);

  /** Checks the ranges. */
  public RateLimit {
    if (amount < 1) {
      throw new IllegalArgumentException("a rate limit needs an amount of at least 1: " + amount);
    }
    if (per.compareTo(LONGEST) > 0 || per.toMillis() < 1) {
      throw new IllegalArgumentException(
          "the period of a rate limit is 1 ms to " + LONGEST.toDays() + " days: " + per);
    }
    if (amount > per.toNanos()) {
      throw new IllegalArgumentException(
          "a rate limit admits at most one each nanosecond: " + amount + " per " + per);
    }
    if (burst < 0 || burst == Long.MAX_VALUE) {
      throw new IllegalArgumentException("a burst is not negative, and has an end: " + burst);
    }
  }

  /** So many per period, all of which may come at once: what fits limits on tokens. */
  public static RateLimit whole(long amount, Duration per) {
    return new RateLimit(amount, per, amount - 1);
  }

  /** The size of the bucket. */
  public long capacity() {
    return burst + 1;
  }
}
