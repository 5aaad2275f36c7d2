package io.llmguard.budget.internal;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/**
 * Every number from the lower to the higher one; exact but for quotients, which are rounded out.
 */
public record Range(BigDecimal low, BigDecimal high) {
  private static final MathContext DOWN = new MathContext(68, RoundingMode.FLOOR);
  private static final MathContext UP = new MathContext(68, RoundingMode.CEILING);

  /** Checks the order. */
  public Range {
    if (low.compareTo(high) > 0) {
      throw new IllegalArgumentException("a range goes up");
    }
  }

  /** One number. */
  public static Range of(BigDecimal number) {
    return new Range(number, number);
  }

  /** From 0. */
  public static Range upTo(BigDecimal most) {
    return new Range(BigDecimal.ZERO, most);
  }

  Range plus(Range other) {
    return new Range(low.add(other.low), high.add(other.high));
  }

  Range negated() {
    return new Range(high.negate(), low.negate());
  }

  Range times(Range other) {
    BigDecimal a = low.multiply(other.low);
    BigDecimal b = low.multiply(other.high);
    BigDecimal c = high.multiply(other.low);
    BigDecimal d = high.multiply(other.high);
    return new Range(a.min(b).min(c).min(d), a.max(b).max(c).max(d));
  }

  /** Divided by a number that is not 0. */
  Range over(BigDecimal divisor) {
    return divisor.signum() > 0
        ? new Range(low.divide(divisor, DOWN), high.divide(divisor, UP))
        : new Range(high.divide(divisor, DOWN), low.divide(divisor, UP));
  }

  Range min(Range other) {
    return new Range(low.min(other.low), high.min(other.high));
  }

  Range max(Range other) {
    return new Range(low.max(other.low), high.max(other.high));
  }

  Range rounded(RoundingMode mode) {
    return new Range(low.setScale(0, mode), high.setScale(0, mode));
  }

  /** What lies in either, and between them. */
  Range or(Range other) {
    return new Range(low.min(other.low), high.max(other.high));
  }

  Truth below(Range other) {
    return new Truth(low.compareTo(other.high) < 0, high.compareTo(other.low) >= 0);
  }

  Truth same(Range other) {
    boolean apart = high.compareTo(other.low) < 0 || other.high.compareTo(low) < 0;
    boolean one = low.compareTo(high) == 0 && other.low.compareTo(other.high) == 0;
    return new Truth(!apart, apart || !one);
  }
}
