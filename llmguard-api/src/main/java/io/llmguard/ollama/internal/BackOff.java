package io.llmguard.ollama.internal;

import io.llmguard.ollama.RetryPolicy;
import java.time.Duration;
import java.util.random.RandomGenerator;

/** The waits between the attempts of one call. */
final class BackOff {
  private static final Duration FOREVER = Duration.ofNanos(Long.MAX_VALUE);

  private BackOff() {}

  /**
   * A random part, up to all, of a wait that doubles with each attempt up to the policy's longest.
   *
   * @param attempt the number of the attempt that failed, from 1
   */
  static Duration before(int attempt, RetryPolicy policy, RandomGenerator random) {
    long longest = nanos(policy.maxWait());
    long most = Math.min(nanos(policy.firstWait()), longest);
    for (int i = 1; i < attempt && most < longest && most > 0; i++) {
      most = most > longest / 2 ? longest : most * 2;
    }
    return Duration.ofNanos(most == 0 ? 0 : random.nextLong(most) + 1);
  }

  /** A duration may be longer than a long of nanoseconds. */
  private static long nanos(Duration wait) {
    return wait.compareTo(FOREVER) < 0 ? wait.toNanos() : Long.MAX_VALUE;
  }
}
