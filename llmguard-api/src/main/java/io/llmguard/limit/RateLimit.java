package io.llmguard.limit;

import java.time.Duration;

/**
 * So many per period, with a burst above the steady rate: nginx's {@code limit_req rate burst
 * nodelay}, to the request.
 *
 * <p>It is a bucket of capacity {@code burst + 1} that is refilled greedily: 10 per minute with
 * burst 5 admits 6 at once, then one each 6 seconds.
 *
 * @param amount how many are refilled in each period; at least 1
 * @param per the period; at least 1 ms
 * @param burst how many above the first are admitted at once; at least 0
 */
public record RateLimit(long amount, Duration per, long burst) {
  /** Checks the ranges. */
  public RateLimit {
    if (amount < 1) {
      throw new IllegalArgumentException("a rate limit needs an amount of at least 1: " + amount);
    }
    if (per.toMillis() < 1) {
      throw new IllegalArgumentException("a rate limit needs a period of at least 1 ms: " + per);
    }
    if (burst < 0) {
      throw new IllegalArgumentException("a burst is not negative: " + burst);
    }
  }

  /** The size of the bucket. */
  public long capacity() {
    return burst + 1;
  }
}
