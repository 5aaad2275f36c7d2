package io.llmguard.upstream.internal;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Lets so many calls at once to one host and port, the others in the order in which they came; and
 * knows whether a kept connection may be there. Thread-safe.
 */
public final class ConnectionGate {
  private final Deque<Runnable> waiting = new ArrayDeque<>();
  private int free;
  private int kept;

  /** A gate for so many calls at once. */
  public ConnectionGate(int size) {
    free = size;
  }

  /** Runs {@code start} as soon as it may, once; now, if that is now. */
  public void enter(Runnable start) {
    synchronized (this) {
      if (free == 0) {
        waiting.add(start);
        return;
      }
      free--;
    }
    start.run();
  }

  /** Ends the stay of a call, or its waiting. */
  public void leave(Runnable start) {
    Runnable next;
    synchronized (this) {
      if (waiting.remove(start)) {
        return;
      }
      next = waiting.poll();
      if (next == null) {
        free++;
        return;
      }
    }
    next.run();
  }

  /** A connection was left open for further calls. */
  public synchronized void keep() {
    kept++;
  }

  /** True if a kept connection may be taken for a new call, which counts as taken. */
  public synchronized boolean takeKept() {
    if (kept == 0) {
      return false;
    }
    kept--;
    return true;
  }

  /** None of the kept connections is to be counted on. */
  public synchronized void forgetKept() {
    kept = 0;
  }
}
