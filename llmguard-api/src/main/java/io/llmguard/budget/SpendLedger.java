package io.llmguard.budget;

import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * The one place where spend is counted: what calls under way may still spend is held against every
 * budget before they go out, and what they have spent is kept when they end.
 *
 * <p>Spend lands in the window in which its call ends; a reservation counts in whatever window is
 * the present one. So spent and reserved together never pass a budget as long as no call spends
 * more than it has reserved; what one spends beyond that is kept in full, and the budget is then
 * overdrawn.
 *
 * <p>Operations never block: where the ledger lives elsewhere, their answers come later, on any
 * thread, and fail with {@link SpendLedgerException} in good time. Thread-safe.
 */
public interface SpendLedger extends SpendReader, AutoCloseable {
  /**
   * Holds a call's worst case against all budgets, or against none.
   *
   * @param worst the call as it is to be kept if this process dies before it has ended
   * @param holds the budgets, each with an account of its own
   */
  CompletionStage<Verdict> reserve(SpendEntry worst, List<Hold> holds);

  /**
   * Keeps a call that has ended and gives back what was held for it beyond. A call of which nothing
   * is reserved, because the ledger was out of reach when it came, pays all the same. The second
   * settling of a call does nothing.
   *
   * @param entry the call, under the id under which it was reserved
   * @param payments what it pays into each budget; empty for a call that no budget counts
   * @return how each budget's account stands afterwards, in their order; empty if the call was
   *     settled before
   */
  CompletionStage<List<Balance>> settle(SpendEntry entry, List<Payment> payments);

  /**
   * Gives back what was held for a call that never went out, of which nothing is kept. It does
   * nothing for a call that is not reserved.
   */
  CompletionStage<Void> release(String id, List<Hold> holds);

  /**
   * How the account of a budget stands. May block, as {@link SpendReader} does.
   *
   * @param now for what moment
   */
  Balance balance(String account, Instant now);

  /** False from a failure to the next success. */
  boolean available();

  /** Writes what is still to be written, for a few seconds at most, and closes what was opened. */
  @Override
  void close();
}
