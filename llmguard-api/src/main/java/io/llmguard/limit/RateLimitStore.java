package io.llmguard.limit;

import java.util.concurrent.CompletionStage;

/**
 * Keeps the buckets of rate limits, in this process or elsewhere.
 *
 * <p>A bucket that is asked for the first time is full. When it is asked for with another {@link
 * RateLimit} than before, what is in it stays, as far as it fits. Each operation is atomic.
 * Implementations are thread-safe and never block: one that has to ask elsewhere completes its
 * answer later, and fails it when it cannot be had, in good time.
 */
public interface RateLimitStore extends AutoCloseable {
  /** Takes {@code amount} from the bucket if it holds that much, else nothing. */
  CompletionStage<Probe> tryConsume(LimitKey key, RateLimit limit, long amount);

  /** What {@link #tryConsume} would answer; takes nothing. */
  CompletionStage<Probe> peek(LimitKey key, RateLimit limit, long amount);

  /** Takes {@code amount} whatever the bucket holds; what is missing is a debt to be refilled. */
  CompletionStage<Void> charge(LimitKey key, RateLimit limit, long amount);

  /** Gives {@code amount} back, as far as the bucket has room. */
  CompletionStage<Void> refund(LimitKey key, RateLimit limit, long amount);

  @Override
  void close();

  /**
   * What a bucket answered.
   *
   * @param admitted true if it held the amount
   * @param remaining what it holds afterwards; not below 0
   * @param nanosToAdmission nanoseconds until the same amount would be admitted, never too few; 0
   *     if it was, and {@link Long#MAX_VALUE} if the bucket is too small for it
   * @param nanosToNext nanoseconds until it holds one more; 0 if it is full
   */
  record Probe(boolean admitted, long remaining, long nanosToAdmission, long nanosToNext) {}
}
