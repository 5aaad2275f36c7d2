package io.llmguard.examples.gateway.server;

import io.llmguard.budget.Price;
import io.llmguard.budget.PriceList;
import io.llmguard.examples.gateway.config.BudgetSettings;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The prices of the configured deployments, each its own; where several were given one id, the
 * highest of each part.
 */
final class ConfiguredPrices implements PriceList {
  private final @Nullable Price unpriced;
  private final Map<String, Price> byDeployment = new HashMap<>();

  /** Prices of these deployments. */
  ConfiguredPrices(BudgetSettings settings, Iterable<Upstreams.Placed> deployments) {
    Price usual = Price.perHour(settings.hourlyPrice());
    unpriced = settings.pricesEverything() ? usual : null;
    for (Upstreams.Placed placed : deployments) {
      Price price = placed.configured().price();
      if (price != null) {
        byDeployment.merge(placed.deployment().id(), price, Price::max);
      }
    }
    for (Upstreams.Placed placed : deployments) {
      if (placed.configured().price() == null) {
        // where another one of the same id has a price, this one is no cheaper than by the hour
        byDeployment.computeIfPresent(placed.deployment().id(), (id, price) -> price.max(usual));
      }
    }
  }

  @Override
  public @Nullable Price of(@Nullable String model, @Nullable String deployment) {
    Price price = deployment == null ? null : byDeployment.get(deployment);
    return price == null ? unpriced : price;
  }
}
