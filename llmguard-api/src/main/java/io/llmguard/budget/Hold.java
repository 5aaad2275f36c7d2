package io.llmguard.budget;

import java.util.Objects;

/**
 * What one budget is asked to hold for a call.
 *
 * @param account whose sum is meant: stable, the same in every process, at most 512 characters
 * @param unit what it counts
 * @param window over what time
 * @param most what may be spent in the window
 * @param amount what the call may spend at most; not negative
 * @param enforced false for a budget that counts and refuses nothing
 */
public record Hold(
    String account,
    BudgetUnit unit,
    BudgetWindow window,
    long most,
    long amount,
    boolean enforced) {
  /** Checks the amounts. */
  public Hold {
    Objects.requireNonNull(unit);
    Objects.requireNonNull(window);
    if (account.isEmpty() || account.length() > 512) {
      throw new IllegalArgumentException("an account's name has 1 to 512 characters");
    }
    if (most < 0 || amount < 0) {
      throw new IllegalArgumentException("amounts are not negative: " + most + ", " + amount);
    }
  }
}
