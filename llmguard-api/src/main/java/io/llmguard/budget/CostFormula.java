package io.llmguard.budget;

import io.llmguard.wire.Usage;
import java.math.BigDecimal;
import java.time.Duration;

/** Reckons a part of what a call costs. Immutable. */
public interface CostFormula {
  /**
   * What a call costs, in US dollars; not negative.
   *
   * @param usage its tokens; not below 0
   * @param millis of the upstream's time; not below 0
   */
  BigDecimal cost(Usage usage, long millis);

  /**
   * In US dollars, what no call costs more than that uses no more than this; it grows with each of
   * the three, or stays.
   */
  BigDecimal atMost(long inputTokens, long outputTokens, long millis);

  /** True if time may cost something. */
  boolean timed();

  /** The higher of the two: no call costs more by either. */
  default CostFormula max(CostFormula other) {
    return new HighestFormula(this, other);
  }

  /** The time in whole milliseconds, rounded up; below 0 counts as 0. */
  static long millis(Duration time) {
    return time.isNegative() ? 0 : time.plusNanos(999_999).toMillis();
  }
}
