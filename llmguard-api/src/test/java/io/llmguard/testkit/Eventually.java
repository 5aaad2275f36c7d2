package io.llmguard.testkit;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for what comes about by itself. */
public final class Eventually {
  private static final Duration DEADLINE = Duration.ofSeconds(30);

  private Eventually() {}

  /**
   * Returns once the condition holds.
   *
   * @throws AssertionError after half a minute without it
   */
  public static void await(BooleanSupplier condition) {
    long begin = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - begin > DEADLINE.toNanos()) {
        throw new AssertionError("not within " + DEADLINE);
      }
      LockSupport.parkNanos(5_000_000);
    }
  }
}
