package io.llmguard.budget;

/**
 * A budget's alert: what was spent in its window has reached {@link Budget#alertAt}.
 *
 * @param budget the budget
 * @param subject whose spend it is: a caller's id, a team, a user, a model; empty for everybody
 * @param spent what was spent, in the budget's unit
 */
public record BudgetAlert(Budget budget, String subject, long spent) {
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
  }
}
