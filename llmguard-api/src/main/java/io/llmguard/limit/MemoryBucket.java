package io.llmguard.limit;

import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.TimeMeter;
import io.github.bucket4j.TokensInheritanceStrategy;
import io.llmguard.limit.RateLimitStore.Probe;

/** A bucket of this process, and the limit that it has now. Thread-safe. */
final class MemoryBucket {
  /** 73 years: far below the overflow of whoever adds to it. */
  private static final long LONGEST_NANOS = Long.MAX_VALUE / 4;

  private final Bucket bucket;
  private volatile RateLimit limit;

  MemoryBucket(RateLimit limit, TimeMeter meter) {
    this.limit = limit;
    this.bucket =
        Bucket.builder().addLimit(bandwidth(limit)).withCustomTimePrecision(meter).build();
  }

  private static Bandwidth bandwidth(RateLimit limit) {
    return Bandwidth.builder()
        .capacity(limit.capacity())
        .refillGreedy(limit.amount(), limit.per())
        .build();
  }

  Probe tryConsume(RateLimit wanted, long amount) {
    adopt(wanted);
    ConsumptionProbe answer = bucket.tryConsumeAndReturnRemaining(amount);
    return probe(
        wanted,
        answer.isConsumed(),
        answer.getRemainingTokens(),
        answer.isConsumed() ? 0 : answer.getNanosToWaitForRefill(),
        answer.getNanosToWaitForReset());
  }

  Probe peek(RateLimit wanted, long amount) {
    adopt(wanted);
    // asking for more than there can be answers what there is and when it is full
    ConsumptionProbe all = bucket.tryConsumeAndReturnRemaining(Long.MAX_VALUE);
    long available = all.getRemainingTokens();
    boolean enough = available >= amount;
    long wait = enough ? 0 : bucket.estimateAbilityToConsume(amount).getNanosToWaitForRefill();
    return probe(wanted, enough, available, wait, all.getNanosToWaitForReset());
  }

  static Probe full(RateLimit limit, long amount) {
    boolean enough = amount <= limit.capacity();
    return new Probe(enough, limit.capacity(), enough ? 0 : Long.MAX_VALUE, 0);
  }

  /**
   * Takes the amount, into debt if need be; answers how long the bucket now takes to fill. A debt
   * ends where its refilling would take longer than the clock runs.
   */
  long charge(RateLimit wanted, long amount) {
    adopt(wanted);
    double periods = (double) LONGEST_NANOS / wanted.per().toNanos();
    double payable = periods * wanted.amount();
    try {
      bucket.consumeIgnoringRateLimits(amount < payable ? amount : Math.max(1, (long) payable));
    } catch (IllegalArgumentException e) {
      // Bucket4j takes no more once the debt is that long: there is nothing left to add
      return LONGEST_NANOS;
    }
    long nanos = bucket.tryConsumeAndReturnRemaining(Long.MAX_VALUE).getNanosToWaitForReset();
    return Math.min(nanos, LONGEST_NANOS);
  }

  void refund(RateLimit wanted, long amount) {
    adopt(wanted);
    bucket.addTokens(amount);
  }

  /** The longest time to fill from empty. */
  long nanosToFill() {
    RateLimit now = limit;
    double nanos = (double) now.capacity() * now.per().toNanos() / now.amount();
    return nanos < LONGEST_NANOS ? (long) nanos : LONGEST_NANOS;
  }

  private void adopt(RateLimit wanted) {
    if (!limit.equals(wanted)) {
      bucket.replaceConfiguration(
          BucketConfiguration.builder().addLimit(bandwidth(wanted)).build(),
          TokensInheritanceStrategy.AS_IS);
      limit = wanted;
    }
  }

  private static Probe probe(
      RateLimit limit, boolean admitted, long available, long wait, long nanosToFull) {
    long period = limit.per().toNanos();
    // Bucket4j rounds waits down: a nanosecond early is still too early
    long rounding = period % limit.amount() == 0 ? 0 : 1;
    long toAdmission = wait == 0 || wait == Long.MAX_VALUE ? wait : wait + rounding;
    long missing = limit.capacity() - available;
    long toNext =
        missing == 0 ? 0 : nanosToFull + rounding - nanosFor(missing - 1, period, limit.amount());
    return new Probe(admitted, Math.max(0, available), toAdmission, Math.max(0, toNext));
  }

  /** How long so many take to be refilled. */
  private static long nanosFor(long missing, long period, long amount) {
    long product = missing * period;
    return Math.multiplyHigh(missing, period) == 0 && product >= 0
        ? product / amount
        : (long) ((double) missing * period / amount);
  }
}
