package io.llmguard;

import java.time.Instant;

/**
 * Where every component of llmguard takes the time from, so that a test can set it.
 *
 * <p>Implementations are thread-safe.
 */
public interface TimeSource {
  /** The wall-clock time, for records, expiry and audit. */
  Instant now();

  /** A monotonic time in nanoseconds, for durations only; its origin means nothing. */
  long nanos();

  /** The machine's own clocks. */
  static TimeSource system() {
    return new TimeSource() {
      @Override
      public Instant now() {
        return Instant.now();
      }

      @Override
      public long nanos() {
        return System.nanoTime();
      }
    };
  }
}
