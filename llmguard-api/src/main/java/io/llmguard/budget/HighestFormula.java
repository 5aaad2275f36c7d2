package io.llmguard.budget;

import io.llmguard.wire.Usage;
import java.math.BigDecimal;

/** The higher of two formulas. */
record HighestFormula(CostFormula one, CostFormula other) implements CostFormula {
  @Override
  public BigDecimal cost(Usage usage, long millis) {
    return one.cost(usage, millis).max(other.cost(usage, millis));
  }

  @Override
  public BigDecimal atMost(long inputTokens, long outputTokens, long millis) {
    return one.atMost(inputTokens, outputTokens, millis)
        .max(other.atMost(inputTokens, outputTokens, millis));
  }

  @Override
  public boolean timed() {
    return one.timed() || other.timed();
  }
}
