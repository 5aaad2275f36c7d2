package io.llmguard.callback;

import io.llmguard.budget.BudgetAlert;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a {@link CallbackQueue} sends reports.
 *
 * <p>The queue calls it on one thread of its own, so an implementation may block and need not be
 * thread-safe.
 */
public interface CallbackTarget extends AutoCloseable {
  /** A short name in lower case, for logs and file names; a-z and hyphens. */
  String name();

  /**
   * A report as it is sent, and as it waits on disk: one line of text without line breaks. Null if
   * this target does not want it.
   */
  @Nullable String encode(CallReport report);

  /**
   * A budget's alert as it is sent, in the form of {@link #encode(CallReport)}. Null if this target
   * does not want it, as by default.
   */
  default @Nullable String encode(BudgetAlert alert) {
    return null;
  }

  /** How many characters of encoded reports go into one {@link #send}; at least one report does. */
  int maxBatchLength();

  /**
   * Sends the reports, and returns when they are accepted for good, or refused for good, in which
   * case trying again would not help.
   *
   * @return how many were refused for good
   * @throws IOException if the target cannot be reached or asks to be tried again; all of the
   *     reports are then offered again, so a target tells repeated ones by their ids
   */
  int send(List<String> reports) throws IOException;

  /** Gives back what the target holds; nothing by default. */
  @Override
  default void close() {}
}
