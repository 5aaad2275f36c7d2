package io.llmguard.budget;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a ledger says to a reservation. */
public sealed interface Verdict {
  /**
   * Everything is held.
   *
   * @param over those of the budgets, by their place in the list, that would have refused the call
   *     if they were enforced
   * @param balances how each budget's account stands now, in their order
   */
  record Granted(List<Integer> over, List<Balance> balances) implements Verdict {
    /** Copies the lists. */
    public Granted {
      over = List.copyOf(over);
      balances = List.copyOf(balances);
    }
  }

  /**
   * Nothing is held.
   *
   * @param index the place in the list of the budget that is open last of those that refuse
   * @param balance how its account stands
   * @param opensAt when its window lets the call in at the earliest; the present moment if only
   *     what calls under way may still spend stands in the way, null for never
   */
  record Refused(int index, Balance balance, @Nullable Instant opensAt) implements Verdict {}
}
