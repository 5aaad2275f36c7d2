package io.llmguard.testkit;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * What threads of a server report to the test that waits for it, in order. Who reports never
 * blocks, as it may be an event loop; a {@code BlockingQueue} has it wait for a lock now and then.
 *
 * @param <T> what is reported
 */
public final class Reports<T> {
  private static final long DEADLINE_SECONDS = 20;

  private final Queue<T> reports = new ConcurrentLinkedQueue<>();
  private final Semaphore there = new Semaphore(0);

  /** Reports something. */
  public void add(T report) {
    reports.add(report);
    there.release();
  }

  /**
   * The next report; waits for it.
   *
   * @throws AssertionError after 20 s without one
   */
  public T next() throws InterruptedException {
    if (!there.tryAcquire(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
      throw new AssertionError("nothing was reported within 20 s");
    }
    return reports.remove();
  }

  /** True if nothing was reported that was not taken. */
  public boolean isEmpty() {
    return reports.isEmpty();
  }

  /** Forgets what was reported so far. */
  public void clear() {
    while (there.tryAcquire()) {
      reports.remove();
    }
  }

  @Override
  public String toString() {
    return reports.toString();
  }
}
