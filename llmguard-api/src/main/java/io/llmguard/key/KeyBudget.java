package io.llmguard.key;

import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;

/**
 * What a key may spend in each window of time, beside its first budget.
 *
 * @param usd the amount in USD, not negative; null where tokens are counted
 * @param tokens the amount in tokens, input and output together, not negative; null where money is
 *     counted
 * @param window the window, such as {@code 1d}; null for one that never begins anew
 * @param models of which models it counts the calls, as a pattern; null for all
 */
public record KeyBudget(
    @Nullable BigDecimal usd,
    @Nullable Long tokens,
    @Nullable String window,
    @Nullable String models) {
  /** Checks that there is one amount. */
  public KeyBudget {
    if ((usd == null) == (tokens == null)) {
      throw new IllegalArgumentException("a budget is in USD or in tokens");
    }
    if ((usd != null && usd.signum() < 0) || (tokens != null && tokens < 0)) {
      throw new IllegalArgumentException(
          "a budget is not negative: " + (usd == null ? tokens : usd));
    }
    if (usd != null) {
      usd = plain(usd.stripTrailingZeros());
    }
  }

  /** A budget for all models. */
  public KeyBudget(@Nullable BigDecimal usd, @Nullable Long tokens, @Nullable String window) {
    this(usd, tokens, window, null);
  }

  static BigDecimal plain(BigDecimal amount) {
    return amount.scale() < 0 ? amount.setScale(0) : amount;
  }
}
