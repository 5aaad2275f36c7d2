package io.llmguard.examples.gateway.config;

import io.llmguard.budget.Budget;
import io.llmguard.budget.BudgetStage;
import io.llmguard.budget.BudgetUnit;
import io.llmguard.budget.BudgetUser;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What may be spent.
 *
 * @param budgets the budgets
 * @param maxBudget what everybody together may spend in US dollars, or null
 * @param defaultPrice US dollars for an hour of an upstream whose deployment has no price, or null
 *     for 0.80 where a budget in US dollars counts
 * @param zone where days and months begin
 * @param user who the user of a call is
 * @param outputTokens what a call gets that sets no ceiling
 * @param promptOverhead what a model's template may add to a prompt
 * @param upstreamTime how long upstreams may work on a call whose time costs something
 * @param failOpen true to let calls pass while the ledger is out of reach
 */
public record BudgetSettings(
    List<Budget> budgets,
    @Nullable BigDecimal maxBudget,
    @Nullable BigDecimal defaultPrice,
    ZoneId zone,
    BudgetUser user,
    long outputTokens,
    long promptOverhead,
    Duration upstreamTime,
    boolean failOpen) {
  /** Copies the list. */
  public BudgetSettings {
    budgets = List.copyOf(budgets);
  }

  /** True if deployments without a price cost something for every call. */
  public boolean pricesEverything() {
    return defaultPrice != null
        || budgets.stream().anyMatch(budget -> budget.unit() == BudgetUnit.USD);
  }

  /** The price of an hour of an upstream whose deployment has none. */
  public BigDecimal hourlyPrice() {
    return defaultPrice == null ? BudgetStage.DEFAULT_HOURLY_PRICE : defaultPrice;
  }
}
