package io.llmguard.upstream;

import io.llmguard.Exchange;
import io.llmguard.FailedAttempt;

/** Judges whether a call may be sent again after an attempt that failed. */
@FunctionalInterface
public interface RetryGate {
  /**
   * True if it may. It may lower the call's ceiling and change its body first, of which the next
   * attempt is made. Called by one thread at a time; it must not block.
   */
  boolean mayRetry(Exchange exchange, FailedAttempt failed);
}
