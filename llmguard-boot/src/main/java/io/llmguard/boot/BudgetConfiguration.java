package io.llmguard.boot;

import io.llmguard.assembly.StateDatabase;
import io.llmguard.budget.BudgetAlert;
import io.llmguard.budget.BudgetStage;
import io.llmguard.budget.PriceList;
import io.llmguard.budget.SpendLedger;
import io.llmguard.key.KeyStore;
import io.llmguard.limit.LimitListener;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;

/** What calls cost, and what may be spent: kept in the data directory unless a ledger is there. */
@Lazy
@Configuration(proxyBeanMethods = false)
@ConditionalOnProperty(
    prefix = SettingsBinder.PREFIX,
    name = "spend.enabled",
    havingValue = "true",
    matchIfMissing = true)
class BudgetConfiguration {
  /** Where spend is counted. */
  @Bean
  @ConditionalOnMissingBean
  SpendLedger llmGuardSpendLedger(StateDatabase database, SpendSettings settings) {
    return database.spend(settings.spend().timezone());
  }

  /** What deployments cost. */
  @Bean
  @ConditionalOnMissingBean
  PriceList llmGuardPrices(SpendSettings settings) {
    return settings.prices();
  }

  /** Holds calls against budgets, keys' own among them. */
  @Bean
  @ConditionalOnMissingBean
  BudgetStage llmGuardBudgets(
      SpendLedger ledger,
      SpendSettings settings,
      PriceList prices,
      ObjectProvider<KeyStore> keys,
      ObjectProvider<LimitListener> listeners,
      ObjectProvider<BudgetAlert.Listener> alerts) {
    settings.refuseUnknownKeys(keys.getIfUnique());
    return settings
        .stage(ledger)
        .prices(prices)
        .listener(Listeners.ofLimits(listeners))
        .alerts(Listeners.ofAlerts(alerts))
        .build();
  }
}
