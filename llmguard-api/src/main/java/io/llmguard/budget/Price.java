package io.llmguard.budget;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.time.Duration;

/**
 * What a deployment costs: US dollars per input token, per output token and per second of the
 * upstream's time, all of which add up.
 *
 * @param inputToken USD per token of the prompt; 0 to 1,000
 * @param outputToken USD per generated token; 0 to 1,000
 * @param second USD per second from the call's going out to its end; 0 to 1,000
 */
public record Price(BigDecimal inputToken, BigDecimal outputToken, BigDecimal second) {
  private static final BigDecimal MOST = new BigDecimal(1_000);
  private static final BigDecimal HOUR = new BigDecimal(3_600);
  private static final int DIGITS = 18;

  /** Nothing: local and already paid for; the bounds above are needed to make it. */
  public static final Price FREE = new Price(BigDecimal.ZERO, BigDecimal.ZERO, BigDecimal.ZERO);

  /** Checks the ranges; what is below 10⁻¹⁸ USD is rounded up. */
  public Price {
    inputToken = checked(inputToken);
    outputToken = checked(outputToken);
    second = checked(second);
  }

  private static BigDecimal checked(BigDecimal price) {
    if (price.signum() < 0 || price.compareTo(MOST) > 0) {
      throw new IllegalArgumentException("a price is between 0 and 1000 USD: " + price);
    }
    return price.scale() > DIGITS ? price.setScale(DIGITS, RoundingMode.UP) : price;
  }

  /** So much for an hour of the upstream's time, and nothing for tokens. */
  public static Price perHour(BigDecimal usd) {
    // a little less a second, or a whole hour would cost a billionth more than it is said to
    return new Price(BigDecimal.ZERO, BigDecimal.ZERO, usd.divide(HOUR, DIGITS, RoundingMode.DOWN));
  }

  /**
   * What a call costs, in billionths of a US dollar, rounded up.
   *
   * @param inputTokens tokens of the prompt; below 0 counts as 0
   * @param outputTokens tokens that were generated; below 0 counts as 0
   * @param time of the upstream's; below 0 counts as 0
   * @return 0 to {@link Long#MAX_VALUE}, which also stands for what is more
   */
  public long cost(long inputTokens, long outputTokens, Duration time) {
    long millis = time.isNegative() ? 0 : time.plusNanos(999_999).toMillis();
    BigDecimal sum =
        times(inputToken, inputTokens)
            .add(times(outputToken, outputTokens))
            .add(times(second.movePointLeft(3), millis));
    BigInteger nanos = sum.movePointRight(9).setScale(0, RoundingMode.UP).unscaledValue();
    return nanos.bitLength() > 62 ? Long.MAX_VALUE : nanos.longValueExact();
  }

  private static BigDecimal times(BigDecimal price, long amount) {
    return amount <= 0 || price.signum() == 0
        ? BigDecimal.ZERO
        : price.multiply(BigDecimal.valueOf(amount));
  }

  /** True if time costs something. */
  public boolean timed() {
    return second.signum() > 0;
  }

  /** The higher of the two in each part: no call costs more by either. */
  public Price max(Price other) {
    return new Price(
        inputToken.max(other.inputToken),
        outputToken.max(other.outputToken),
        second.max(other.second));
  }
}
