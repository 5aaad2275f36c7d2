package io.llmguard.budget;

import java.math.BigDecimal;
import java.math.RoundingMode;

/** US dollars as whole billionths, so that sums are exact. */
public final class NanoUsd {
  /** The largest amount that is taken from a configuration: a billion dollars. */
  public static final BigDecimal MOST = new BigDecimal("1000000000");

  private static final int DIGITS = 9;

  private NanoUsd() {}

  /**
   * The amount in billionths; what is smaller is rounded up.
   *
   * @throws IllegalArgumentException if it is negative or above {@link #MOST}
   */
  public static long of(BigDecimal usd) {
    if (usd.signum() < 0 || usd.compareTo(MOST) > 0) {
      throw new IllegalArgumentException("an amount is between 0 and a billion USD");
    }
    return usd.setScale(DIGITS, RoundingMode.UP).unscaledValue().longValueExact();
  }

  /** The amount in US dollars, without zeros at the end. */
  public static BigDecimal toUsd(long nanos) {
    BigDecimal usd = BigDecimal.valueOf(nanos, DIGITS).stripTrailingZeros();
    return usd.scale() < 0 ? usd.setScale(0) : usd;
  }
}
