package io.llmguard.jdbc.internal;

import java.util.Collection;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * What many threads hand to one. Who hands something over never waits, not even for another who
 * does so at the same time: it may be an event loop.
 */
final class Inbox<T> {
  private final Queue<T> items = new ConcurrentLinkedQueue<>();
  private final AtomicInteger size = new AtomicInteger();
  private volatile @Nullable Thread waiting;

  void add(T item) {
    size.incrementAndGet();
    items.add(item);
    Thread reader = waiting;
    if (reader != null) {
      LockSupport.unpark(reader);
    }
  }

  int size() {
    return size.get();
  }

  boolean isEmpty() {
    return size() == 0;
  }

  // ---- by the one thread

  @Nullable T poll() {
    T item = items.poll();
    if (item != null) {
      size.decrementAndGet();
    }
    return item;
  }

  /** Waits so long for something. */
  @Nullable T poll(long nanos) throws InterruptedException {
    long end = System.nanoTime() + nanos;
    waiting = Thread.currentThread();
    try {
      while (true) {
        T item = poll();
        long left = end - System.nanoTime();
        if (item != null || left <= 0) {
          return item;
        }
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        LockSupport.parkNanos(this, left);
      }
    } finally {
      waiting = null;
    }
  }

  /** Takes what is there, up to so many. */
  void drainTo(Collection<? super T> taken, int most) {
    for (int i = 0; i < most; i++) {
      T item = poll();
      if (item == null) {
        return;
      }
      taken.add(item);
    }
  }
}
