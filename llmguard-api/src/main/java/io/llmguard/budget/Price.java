package io.llmguard.budget;

import io.llmguard.wire.Usage;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a deployment costs: US dollars per input token, per output token, per second of the
 * upstream's time and per request, and what a formula says, all of which add up.
 *
 * @param inputToken USD per token of the prompt; 0 to 1,000
 * @param cachedToken USD per token of the prompt that the upstream says it had in its cache; no
 *     more than any other token of it
 * @param outputToken USD per generated token; 0 to 1,000
 * @param second USD per second from the call's going out to its end; 0 to 1,000
 * @param request USD for a request of which anything was used; 0 to 1,000
 * @param formula reckons what comes on top of these, or null
 */
public record Price(
    BigDecimal inputToken,
    BigDecimal cachedToken,
    BigDecimal outputToken,
    BigDecimal second,
    BigDecimal request,
    @Nullable CostFormula formula) {
  private static final BigDecimal MOST = new BigDecimal(1_000);
  private static final BigDecimal HOUR = new BigDecimal(3_600);
  private static final int DIGITS = 18;

  /** Nothing: local and already paid for; the bounds above are needed to make it. */
  public static final Price FREE = new Price(BigDecimal.ZERO, BigDecimal.ZERO, BigDecimal.ZERO);

  /** Checks the ranges; what is below 10⁻¹⁸ USD is rounded up. */
  public Price {
    inputToken = checked(inputToken);
    cachedToken = checked(cachedToken);
    outputToken = checked(outputToken);
    second = checked(second);
    request = checked(request);
    if (cachedToken.compareTo(inputToken) > 0) {
      throw new IllegalArgumentException(
          "a cached token costs no more than another one: " + cachedToken);
    }
  }

  /** A price without a formula. */
  public Price(
      BigDecimal inputToken,
      BigDecimal cachedToken,
      BigDecimal outputToken,
      BigDecimal second,
      BigDecimal request) {
    this(inputToken, cachedToken, outputToken, second, request, null);
  }

  /** A price per token and per second, the same for tokens that come from a cache. */
  public Price(BigDecimal inputToken, BigDecimal outputToken, BigDecimal second) {
    this(inputToken, inputToken, outputToken, second, BigDecimal.ZERO);
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

  /** The same for a call of which nothing came from a cache. */
  public long cost(long inputTokens, long outputTokens, Duration time) {
    return cost(Usage.reported(inputTokens, outputTokens), time);
  }

  /**
   * What a call costs, in billionths of a US dollar, rounded up.
   *
   * @param usage its tokens; below 0 counts as 0
   * @param time of the upstream's; below 0 counts as 0
   * @return 0 to {@link Long#MAX_VALUE}, which also stands for what is more
   */
  public long cost(Usage usage, Duration time) {
    long millis = CostFormula.millis(time);
    boolean used = usage.inputTokens() > 0 || usage.outputTokens() > 0;
    BigDecimal sum = times(inputToken, usage.inputTokens() - usage.cachedTokens());
    sum = plus(sum, times(cachedToken, usage.cachedTokens()));
    sum = plus(sum, times(outputToken, usage.outputTokens()));
    sum = plus(sum, ofTime(millis));
    sum = plus(sum, used ? request : BigDecimal.ZERO);
    return nanoUsd(formula == null ? sum : sum.add(formula.cost(usage, millis)));
  }

  /**
   * What no call costs more than that uses no more than this, in billionths of a US dollar.
   *
   * @param time of the upstream's; below 0 counts as 0
   */
  long atMost(long inputTokens, long outputTokens, Duration time) {
    long millis = CostFormula.millis(time);
    BigDecimal sum = plus(times(inputToken, inputTokens), times(outputToken, outputTokens));
    sum = plus(sum, ofTime(millis));
    sum = plus(sum, request);
    return nanoUsd(
        formula == null ? sum : sum.add(formula.atMost(inputTokens, outputTokens, millis)));
  }

  private static long nanoUsd(BigDecimal usd) {
    BigInteger nanos = usd.setScale(9, RoundingMode.UP).unscaledValue();
    return nanos.bitLength() > 62 ? Long.MAX_VALUE : nanos.longValueExact();
  }

  private BigDecimal ofTime(long millis) {
    return second.signum() == 0 ? BigDecimal.ZERO : times(second.movePointLeft(3), millis);
  }

  private static BigDecimal times(BigDecimal price, long amount) {
    return amount <= 0 || price.signum() == 0
        ? BigDecimal.ZERO
        : price.multiply(BigDecimal.valueOf(amount));
  }

  /** Most parts of most prices are zero, and a sum with zero would be a new number. */
  private static BigDecimal plus(BigDecimal sum, BigDecimal part) {
    return part.signum() == 0 ? sum : sum.signum() == 0 ? part : sum.add(part);
  }

  /** True if time costs something. */
  public boolean timed() {
    return second.signum() > 0 || (formula != null && formula.timed());
  }

  private static @Nullable CostFormula higher(
      @Nullable CostFormula one, @Nullable CostFormula other) {
    if (one == null || other == null || one.equals(other)) {
      return one == null ? other : one;
    }
    return one.max(other);
  }

  /** The higher of the two in each part: no call costs more by either. */
  public Price max(Price other) {
    return new Price(
        inputToken.max(other.inputToken),
        cachedToken.max(other.cachedToken),
        outputToken.max(other.outputToken),
        second.max(other.second),
        request.max(other.request),
        higher(formula, other.formula));
  }
}
