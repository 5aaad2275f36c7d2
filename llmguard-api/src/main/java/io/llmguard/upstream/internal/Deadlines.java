package io.llmguard.upstream.internal;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Watches the deadlines of all calls of a transport from one thread.
 *
 * <p>A call keeps its deadlines in plain fields, which cost nothing to move with each piece of an
 * answer; the watch compares them every 20 ms and sleeps while there is no call. Thread-safe.
 */
public final class Deadlines implements AutoCloseable {
  /** A deadline that never passes. */
  public static final long NEVER = Long.MAX_VALUE;

  private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private final long origin = System.nanoTime();
  private final Set<TransportCall> calls = ConcurrentHashMap.newKeySet();
  private final Thread watch;
  private volatile boolean asleep;
  private volatile boolean closed;

  /** Starts the watch, on a daemon thread of this name. */
  public Deadlines(String threadName) {
    watch = new Thread(this::watch, threadName);
    watch.setDaemon(true);
    watch.start();
  }

  /** Nanoseconds since this watch began: never negative, and comparable without overflow. */
  long now() {
    return System.nanoTime() - origin;
  }

  /** The moment so long from now. */
  long in(Duration time) {
    long nanos = time.toSeconds() > NEVER / 2_000_000_000L ? NEVER / 2 : time.toNanos();
    return now() + nanos;
  }

  void add(TransportCall call) {
    calls.add(call);
    if (asleep) {
      LockSupport.unpark(watch);
    }
  }

  void remove(TransportCall call) {
    calls.remove(call);
  }

  private void watch() {
    while (!closed) {
      if (calls.isEmpty()) {
        asleep = true;
        if (calls.isEmpty() && !closed) {
          LockSupport.park(this);
        }
        asleep = false;
      } else {
        LockSupport.parkNanos(this, TICK_NANOS);
        long now = now();
        for (TransportCall call : calls) {
          call.checkDeadlines(now);
        }
      }
    }
  }

  /** Cancels every call and ends the watch. */
  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(watch);
    calls.forEach(TransportCall::cancel);
  }
}
