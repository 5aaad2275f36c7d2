package io.llmguard.upstream;

import java.util.concurrent.atomic.AtomicLong;

/** How many retries there may be beside the calls. Thread-safe. */
final class RetryBudget {
  private static final long ONE = 1_000;

  private final long perCall;
  private final long most;
  private final AtomicLong balance;

  RetryBudget(double ratio, int reserve) {
    perCall = Math.round(ratio * ONE);
    most = reserve * ONE;
    balance = new AtomicLong(most);
  }

  /** A call has begun. */
  void deposit() {
    long now = balance.get();
    // one attempt: of deposits at the same time, a lost one is no loss
    if (now < most) {
      balance.compareAndSet(now, Math.min(most, now + perCall));
    }
  }

  /** Takes a retry, if there is one. */
  boolean withdraw() {
    long now = balance.get();
    while (now >= ONE) {
      if (balance.compareAndSet(now, now - ONE)) {
        return true;
      }
      now = balance.get();
    }
    return false;
  }

  /** Gives back what was taken for nothing. */
  void giveBack() {
    balance.addAndGet(ONE);
  }
}
