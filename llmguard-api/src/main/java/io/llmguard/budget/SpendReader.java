package io.llmguard.budget;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Answers what was spent, from the record of settled calls; calls under way are not in it.
 *
 * <p>Thread-safe. It may block: it is not for an event loop. It throws {@link SpendLedgerException}
 * where the record is out of reach.
 */
public interface SpendReader {
  /** The most entries that a page may have. */
  int LONGEST_PAGE = 10_000;

  /**
   * Settled calls, the latest first.
   *
   * @param after the id of the last call of the page before, or null for the first page
   * @param limit how many; 1 to {@link #LONGEST_PAGE}
   * @return a page, which is the last if it is shorter than the limit
   */
  List<SpendEntry> entries(SpendQuery query, @Nullable String after, int limit);

  /** Sums of the settled calls: days in order, anything else by cost, then tokens, falling. */
  List<SpendSum> sums(SpendQuery query, SpendGroup group);
}
