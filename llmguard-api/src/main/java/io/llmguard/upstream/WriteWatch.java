package io.llmguard.upstream;

import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Looks after the clients' reading: one that takes nothing within the idle limit must not hold its
 * upstream any longer. One look at all calls in each tenth of a second, as long as there are any,
 * in place of a timer for each call. Thread-safe.
 */
final class WriteWatch {
  private static final Executor SOON =
      CompletableFuture.delayedExecutor(100, TimeUnit.MILLISECONDS);

  private final Set<Forwarding> calls;
  private final AtomicBoolean watching = new AtomicBoolean();

  /** A watch over these, which change all the time. */
  WriteWatch(Set<Forwarding> calls) {
    this.calls = calls;
  }

  /** A call was added. */
  void begun() {
    if (!watching.get() && watching.compareAndSet(false, true)) {
      SOON.execute(this::look);
    }
  }

  private void look() {
    long now = System.nanoTime();
    calls.forEach(call -> call.checkWrite(now));
    if (!calls.isEmpty()) {
      SOON.execute(this::look);
      return;
    }
    watching.set(false);
    if (!calls.isEmpty()) {
      begun(); // it was added before the watch ended
    }
  }
}
