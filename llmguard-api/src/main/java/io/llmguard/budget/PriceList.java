package io.llmguard.budget;

import org.jspecify.annotations.Nullable;

/** What each deployment costs. Implementations are thread-safe and answer at once. */
public interface PriceList {
  /**
   * The most that a call may cost, whichever deployment answers it.
   *
   * @param model as the call names it, or null where it names none
   * @return null if one that may answer has no price
   */
  @Nullable Price highest(@Nullable String model);

  /**
   * The price of the deployment that answered.
   *
   * @param model as the call names it, or null where it names none
   * @param upstream the name of the upstream that answered, or null where none did
   * @return null if it has no price
   */
  @Nullable Price of(@Nullable String model, @Nullable String upstream);

  /** Nothing has a price. */
  static PriceList none() {
    return all(null);
  }

  /** One price for everything; null for none. */
  static PriceList all(@Nullable Price price) {
    return new PriceList() {
      @Override
      public @Nullable Price highest(@Nullable String model) {
        return price;
      }

      @Override
      public @Nullable Price of(@Nullable String model, @Nullable String upstream) {
        return price;
      }
    };
  }
}
