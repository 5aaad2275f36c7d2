package io.llmguard.upstream.routing;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Keeps calls away from what fails: closed, open for a cool-down, then half open for one call at a
 * time. Used under the router's lock.
 */
final class Breaker {
  private static final long WINDOW_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final Cooldown settings;
  private final Deque<Long> failures = new ArrayDeque<>();
  private boolean open;
  private long until;
  private int trials;

  Breaker(Cooldown settings) {
    this.settings = settings;
  }

  /** True from the failure that was too many until the next success. */
  boolean isOpen() {
    return open;
  }

  /** True if a call may go there. */
  boolean allows(long now) {
    return !open || (now - until >= 0 && trials == 0);
  }

  /** When the cool-down ends, on the clock of {@code now}; now if there is none. */
  long until(long now) {
    return open && until - now > 0 ? until : now;
  }

  /** A call goes there; true if it is the trial of a half-open breaker. */
  boolean enter() {
    if (!open) {
      return false;
    }
    trials++;
    return true;
  }

  void leave(boolean trial) {
    if (trial && trials > 0) {
      trials--;
    }
  }

  void success() {
    open = false;
    trials = 0;
    failures.clear();
  }

  /**
   * A call failed there.
   *
   * @param trial whether it was let through while the breaker was open
   * @param askedNanos how long the server asks to be left alone, or null; then it is at once
   */
  void failure(long now, boolean trial, @Nullable Long askedNanos) {
    while (!failures.isEmpty() && now - failures.peekFirst() > WINDOW_NANOS) {
      failures.removeFirst();
    }
    if (failures.size() <= settings.allowedFails()) {
      failures.addLast(now);
    }
    if (askedNanos != null || trial || failures.size() > settings.allowedFails()) {
      long time = settings.time().toNanos();
      long end = now + Math.max(time, askedNanos == null ? 0 : askedNanos);
      until = open && until - end > 0 ? until : end;
      open = true;
    }
  }
}
