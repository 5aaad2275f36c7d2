package io.llmguard.budget;

import org.jspecify.annotations.Nullable;

/** What each deployment costs. Implementations are thread-safe and answer at once. */
@FunctionalInterface
public interface PriceList {
  /**
   * The price of a deployment.
   *
   * @param model the name of the deployments among which it is chosen; where no router says so, the
   *     model as the call names it, or null where it names none
   * @param deployment its id, or null where no router says so
   * @return null if it has no price
   */
  @Nullable Price of(@Nullable String model, @Nullable String deployment);

  /** Nothing has a price. */
  static PriceList none() {
    return all(null);
  }

  /** One price for everything; null for none. */
  static PriceList all(@Nullable Price price) {
    return (model, deployment) -> price;
  }
}
