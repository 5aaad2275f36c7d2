package io.llmguard.budget;

import org.jspecify.annotations.Nullable;

/** A ledger cannot be read or written at the moment. */
public final class SpendLedgerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An error that says what could not be done. */
  public SpendLedgerException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
