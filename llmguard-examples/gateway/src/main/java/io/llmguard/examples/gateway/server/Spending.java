package io.llmguard.examples.gateway.server;

import io.llmguard.TimeSource;
import io.llmguard.budget.Budget;
import io.llmguard.budget.BudgetAlert;
import io.llmguard.budget.BudgetStage;
import io.llmguard.budget.BudgetUnit;
import io.llmguard.budget.Price;
import io.llmguard.budget.SpendLedger;
import io.llmguard.budget.SpendLedgerException;
import io.llmguard.examples.gateway.KeyStores;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.BudgetSettings;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.GatewayConfig.Deployment;
import io.llmguard.jdbc.JdbcSpendLedger;
import io.llmguard.key.KeyRecord;
import io.llmguard.limit.LimitListener;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What calls cost, and what may be spent. */
final class Spending implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Spending.class);

  private final SpendLedger ledger;
  private final BudgetStage stage;
  private final boolean failOpen;
  private final LimitListener listener;
  private final BudgetAlert.Listener alerts;

  private Spending(
      SpendLedger ledger,
      BudgetStage stage,
      boolean failOpen,
      LimitListener listener,
      BudgetAlert.Listener alerts) {
    this.ledger = ledger;
    this.stage = stage;
    this.failOpen = failOpen;
    this.listener = listener;
    this.alerts = alerts;
  }

  static Spending open(
      GatewayConfig config,
      KeyStores stores,
      Upstreams upstreams,
      LimitListener listener,
      BudgetAlert.Listener alerts) {
    SpendLedger ledger;
    try {
      ledger = new JdbcSpendLedger(stores.database(), TimeSource.system(), config.budgets().zone());
    } catch (SpendLedgerException e) {
      throw new Main.UserError(
          "spend cannot be kept in " + stores.place() + ": " + e.getMessage(), e);
    }
    try {
      return over(ledger, config, stores, upstreams, listener, alerts);
    } catch (RuntimeException e) {
      ledger.close();
      throw e;
    }
  }

  /** Other budgets and prices over the same ledger, which is closed with the first. */
  Spending with(GatewayConfig config, KeyStores stores, Upstreams upstreams) {
    return over(ledger, config, stores, upstreams, listener, alerts);
  }

  private static Spending over(
      SpendLedger ledger,
      GatewayConfig config,
      KeyStores stores,
      Upstreams upstreams,
      LimitListener listener,
      BudgetAlert.Listener alerts) {
    BudgetSettings settings = config.budgets();
    refuseUnknownKeys(settings.budgets(), stores.store().list());
    warnOfUnpriced(config);
    try {
      BudgetStage stage =
          BudgetStage.builder(ledger)
              .budgets(settings.budgets())
              .knownModels(config.models().stream().map(Deployment::name).toList())
              .user(settings.user())
              .prices(new ConfiguredPrices(settings, upstreams.deployments(config)))
              .defaultPrice(Price.perHour(settings.hourlyPrice()))
              .outputTokens(settings.outputTokens())
              .promptOverhead(settings.promptOverhead())
              .upstreamTime(settings.upstreamTime())
              .failOpen(settings.failOpen())
              .listener(listener)
              .alerts(alerts)
              .build();
      return new Spending(ledger, stage, settings.failOpen(), listener, alerts);
    } catch (IllegalArgumentException e) {
      throw new Main.UserError("llmguard.budgets: " + e.getMessage(), e);
    }
  }

  /** A budget for a key that there is not would limit nobody. */
  private static void refuseUnknownKeys(List<Budget> budgets, List<KeyRecord> keys) {
    for (Budget budget : budgets) {
      if (budget.isForNoneOf(keys)) {
        throw new Main.UserError(
            "llmguard.budgets: there is no key with the id or name "
                + budget.only()
                + "; key list shows them, key create makes one");
      }
    }
  }

  private static void warnOfUnpriced(GatewayConfig config) {
    BudgetSettings settings = config.budgets();
    if (settings.budgets().stream().noneMatch(budget -> budget.unit() == BudgetUnit.USD)) {
      return;
    }
    String price = settings.hourlyPrice().toPlainString();
    if (config.models().isEmpty()) {
      log.warn("no model has a price: a call costs {} USD for an hour of its upstream", price);
    }
    for (Deployment model : config.models()) {
      if (model.price() == null) {
        log.warn(
            "the model {} has no price: a call costs {} USD for an hour of its upstream",
            model.name(),
            price);
      }
    }
  }

  BudgetStage stage() {
    return stage;
  }

  SpendLedger ledger() {
    return ledger;
  }

  /** False if calls are refused because what they may spend cannot be checked. */
  boolean available() {
    return failOpen || ledger.available();
  }

  @Override
  public void close() {
    ledger.close();
  }
}
