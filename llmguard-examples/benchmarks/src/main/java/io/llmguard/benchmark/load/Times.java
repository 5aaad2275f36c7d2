package io.llmguard.benchmark.load;

import java.util.Arrays;

/** Durations in nanoseconds, all of them kept, for exact percentiles. */
final class Times {
  private long[] nanos = new long[1 << 16];
  private int size;

  void add(long value) {
    if (size == nanos.length) {
      nanos = Arrays.copyOf(nanos, size * 2);
    }
    nanos[size++] = value;
  }

  /** The smallest value that is not below this share of all, in microseconds; 0 without any. */
  double percentileMicros(double share) {
    if (size == 0) {
      return 0;
    }
    Arrays.sort(nanos, 0, size);
    return nanos[Math.max(0, (int) Math.ceil(size * share) - 1)] / 1e3;
  }
}
