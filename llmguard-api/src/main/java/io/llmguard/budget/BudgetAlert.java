package io.llmguard.budget;

import java.time.Instant;

/**
 * A budget's alert: what was spent in its window has reached {@link Budget#alertAt}.
 *
 * @param at when
 * @param budget the budget
 * @param subject whose spend it is: a caller's id, a team, a user, a model; empty for everybody
 * @param spent what was spent, in the budget's unit
 */
public record BudgetAlert(Instant at, Budget budget, String subject, long spent) {
  /** The same without a word of whose spend it is. */
  public BudgetAlert anonymous() {
    return new BudgetAlert(at, budget, "", spent);
  }

  /**
   * Hears alerts, each once in its window; called on any thread, it returns at once and does not
   * throw.
   */
  @FunctionalInterface
  public interface Listener {
    /** Hears nothing. */
    Listener NONE = alert -> {};

    /** Hears one. */
    void heard(BudgetAlert alert);

    /** Both hear it, this one first. */
    default Listener and(Listener other) {
      return alert -> {
        heard(alert);
        other.heard(alert);
      };
    }
  }
}
