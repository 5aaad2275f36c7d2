package io.llmguard.examples.gateway.server;

import io.llmguard.budget.Price;
import io.llmguard.budget.PriceList;
import io.llmguard.examples.gateway.config.BudgetSettings;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.GatewayConfig.Deployment;
import io.llmguard.limit.ModelNames;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The prices of the configured deployments. Where several have one name, a call may cost the
 * highest of each part; those of one name at one upstream are not told apart.
 */
final class ConfiguredPrices implements PriceList {
  private final @Nullable Price fallback;
  private final Map<String, Price> highest = new HashMap<>();
  private final Map<String, Price> atUpstream = new HashMap<>();

  ConfiguredPrices(GatewayConfig config) {
    BudgetSettings settings = config.budgets();
    fallback = settings.pricesEverything() ? Price.perHour(settings.hourlyPrice()) : null;
    Price unpriced = Price.perHour(settings.hourlyPrice());
    for (Deployment deployment : config.models()) {
      String name = ModelNames.plain(deployment.name());
      Price own = deployment.price();
      boolean alone =
          config.models().stream()
              .filter(other -> ModelNames.plain(other.name()).equals(name))
              .allMatch(other -> other.price() == null);
      if (own == null && alone && fallback == null) {
        continue;
      }
      Price price = own == null ? unpriced : own;
      highest.merge(name, price, Price::max);
      atUpstream.merge(name + "\n" + deployment.server().name(), price, Price::max);
    }
  }

  @Override
  public @Nullable Price highest(@Nullable String model) {
    Price price = model == null ? null : highest.get(ModelNames.plain(model));
    return price == null ? fallback : price;
  }

  @Override
  public @Nullable Price of(@Nullable String model, @Nullable String upstream) {
    Price price = model == null ? null : atUpstream.get(ModelNames.plain(model) + "\n" + upstream);
    return price == null ? highest(model) : price;
  }
}
