package io.llmguard.ollama;

import java.time.Duration;

/**
 * When a failed call is tried again: only before the first byte of its answer was given to the
 * caller. A connection that never stood, a 429 and a 503 are tried again for every call, for the
 * server has done nothing yet; a lost connection, a 502 and a 504 only for calls that change
 * nothing on the server (not pull, push, create, copy, delete, blobs). The wait doubles each time,
 * of which a random part up to all is waited; a {@code Retry-After} is waited out instead, if it is
 * not longer than {@code maxWait}.
 *
 * @param attempts how often a call is tried in all; 1 is no retry
 * @param firstWait the first wait at most
 * @param maxWait the longest wait
 */
public record RetryPolicy(int attempts, Duration firstWait, Duration maxWait) {
  /** Three attempts, 250 ms at first, 5 s at most. */
  public static final RetryPolicy DEFAULT =
      new RetryPolicy(3, Duration.ofMillis(250), Duration.ofSeconds(5));

  /** One attempt. */
  public static final RetryPolicy NONE = new RetryPolicy(1, Duration.ZERO, Duration.ZERO);

  /** Refuses no attempt and negative waits. */
  public RetryPolicy {
    if (attempts < 1 || firstWait.isNegative() || maxWait.isNegative()) {
      throw new IllegalArgumentException(
          "a retry policy needs an attempt and no negative wait: %d, %s, %s"
              .formatted(attempts, firstWait, maxWait));
    }
  }
}
