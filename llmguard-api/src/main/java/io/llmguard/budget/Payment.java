package io.llmguard.budget;

import java.util.List;

/**
 * What a call that has ended pays into the account of one budget.
 *
 * @param hold the budget as it was reserved
 * @param amount what is paid, in the budget's unit; not negative, more than was held is a debt
 */
public record Payment(Hold hold, long amount) {
  /** Checks the amount. */
  public Payment {
    if (amount < 0) {
      throw new IllegalArgumentException("what is paid is not negative: " + amount);
    }
  }

  /** All that the call has spent, to each of the budgets. */
  public static List<Payment> inFull(SpendEntry entry, List<Hold> holds) {
    return holds.stream().map(hold -> new Payment(hold, entry.amount(hold.unit()))).toList();
  }
}
