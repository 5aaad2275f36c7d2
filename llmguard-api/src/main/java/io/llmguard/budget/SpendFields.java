package io.llmguard.budget;

import io.llmguard.Exchange;
import io.llmguard.HeaderMap;
import io.llmguard.upstream.AnswerFacts;
import io.llmguard.upstream.AnswerFields;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Fields of answers that say what a call costs and what its budgets have left.
 *
 * <p>The cost is said where the answer is whole when its head goes out, which a stream never is: an
 * answer in one piece that was held back as long as it might be tried again. What is left is as it
 * was when the call was let in, less what the call may still spend, or has spent where that is
 * known.
 */
public final class SpendFields {
  /** Where a {@link BudgetStage} says how a call stands. */
  static final Exchange.Key<Source> SOURCE = new Exchange.Key<>("spend-fields", Source.class);

  private SpendFields() {}

  /** How a budget of a call stands. */
  record Standing(Budget budget, long spent, long left) {
    /** Of the budget, how much is left: 0 to 1. */
    double share() {
      return budget.amount() == 0 ? 0 : (double) left / budget.amount();
    }
  }

  /** Says how a call stands. */
  interface Source {
    /** Its final cost in billionths of a US dollar, or null where it has no price. */
    @Nullable Long cost();

    /**
     * Its budgets; empty where their accounts are not known.
     *
     * @param whole true if the answer is whole, and what it costs is known
     */
    List<Standing> standings(boolean whole);
  }

  /**
   * {@code X-Llmguard-Cost-Usd}, and {@code X-Llmguard-Budget-Left} for the budget of which the
   * smallest part is left: {@code 0.25; unit=usd; for=key; window="1d@UTC"}.
   */
  public static AnswerFields standard() {
    return (exchange, facts, fields) -> {
      Source source = exchange.get(SOURCE);
      if (source == null) {
        return;
      }
      addCost("X-Llmguard-Cost-Usd", source, facts, fields);
      Standing tightest = tightest(source.standings(facts.whole()), budget -> true);
      if (tightest != null) {
        Budget budget = tightest.budget();
        String unit = budget.unit() == BudgetUnit.USD ? "usd" : "tokens";
        String scope =
            switch (budget.scope()) {
              case GLOBAL -> "global";
              case KEY -> "key";
              case TEAM -> "team";
              case USER -> "user";
              case MODEL -> "model";
            };
        fields.set(
            "X-Llmguard-Budget-Left",
            amount(budget, tightest.left())
                + "; unit="
                + unit
                + "; for="
                + scope
                + "; window=\""
                + budget.window().id()
                + '"');
      }
    };
  }

  /**
   * The same under the names that LiteLLM's clients read: {@code x-litellm-response-cost}, and
   * {@code x-litellm-key-spend} and {@code x-litellm-key-max-budget} for the key's tightest budget
   * in US dollars.
   */
  public static AnswerFields litellm() {
    return (exchange, facts, fields) -> {
      Source source = exchange.get(SOURCE);
      if (source == null) {
        return;
      }
      addCost("x-litellm-response-cost", source, facts, fields);
      Standing tightest =
          tightest(
              source.standings(facts.whole()),
              budget -> budget.scope() == BudgetScope.KEY && budget.unit() == BudgetUnit.USD);
      if (tightest != null) {
        Budget budget = tightest.budget();
        fields.set("x-litellm-key-spend", amount(budget, tightest.spent()));
        fields.set("x-litellm-key-max-budget", amount(budget, budget.amount()));
      }
    };
  }

  private static void addCost(String name, Source source, AnswerFacts facts, HeaderMap fields) {
    Long cost = facts.whole() ? source.cost() : null;
    if (cost != null) {
      fields.set(name, NanoUsd.toUsd(cost).toPlainString());
    }
  }

  private static @Nullable Standing tightest(List<Standing> standings, Predicate<Budget> counted) {
    return standings.stream()
        .filter(standing -> standing.budget().enforced() && counted.test(standing.budget()))
        .min(Comparator.comparingDouble(Standing::share))
        .orElse(null);
  }

  private static String amount(Budget budget, long amount) {
    return budget.unit() == BudgetUnit.USD
        ? NanoUsd.toUsd(amount).toPlainString()
        : Long.toString(amount);
  }
}
