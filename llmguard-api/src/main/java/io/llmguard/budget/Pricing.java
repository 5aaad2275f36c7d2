package io.llmguard.budget;

import io.llmguard.upstream.ModelReach;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What deployments cost, with a price for those that have none. */
final class Pricing {
  private final PriceList prices;
  private final Price unpriced;

  Pricing(PriceList prices, Price unpriced) {
    this.prices = prices;
    this.unpriced = unpriced;
  }

  /** The most that each part of the price is, whichever of the models' deployments answers. */
  Price highest(List<ModelReach.Model> models) {
    Price highest = null;
    for (ModelReach.Model model : models) {
      for (String deployment : model.deployments()) {
        highest = max(highest, orUnpriced(prices.of(model.group(), deployment)));
      }
      if (model.deployments().isEmpty()) {
        highest = max(highest, orUnpriced(prices.of(model.group(), null)));
      }
    }
    return orUnpriced(highest);
  }

  private static Price max(@Nullable Price one, Price other) {
    return one == null ? other : one.max(other);
  }

  private Price orUnpriced(@Nullable Price price) {
    return price == null ? unpriced : price;
  }

  /**
   * The price of what answered.
   *
   * @param usd true if a budget in US dollars counts the call, to which nothing is without price
   */
  @Nullable Price of(@Nullable String group, @Nullable String deployment, boolean usd) {
    Price price = prices.of(group, deployment);
    return usd ? orUnpriced(price) : price;
  }
}
