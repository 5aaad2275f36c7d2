package io.llmguard.upstream;

import java.time.Duration;

/**
 * How long each phase of a call to an upstream may take; each timer runs apart from the others.
 *
 * @param connect until a connection stands
 * @param firstByte from the request's last byte to the answer's first; generous, because a model
 *     may have to be loaded
 * @param idle between two pieces of the answer
 * @param total for the whole call
 */
public record UpstreamTimeouts(
    Duration connect, Duration firstByte, Duration idle, Duration total) {
  /** 5 s to connect, 10 min to the first byte, 2 min between pieces, 1 h in all. */
  public static final UpstreamTimeouts DEFAULTS =
      new UpstreamTimeouts(
          Duration.ofSeconds(5),
          Duration.ofMinutes(10),
          Duration.ofMinutes(2),
          Duration.ofHours(1));

  /** Checks that each is longer than nothing. */
  public UpstreamTimeouts {
    positive("connect", connect);
    positive("firstByte", firstByte);
    positive("idle", idle);
    positive("total", total);
  }

  private static void positive(String name, Duration value) {
    if (value.isNegative() || value.isZero()) {
      throw new IllegalArgumentException("time-out " + name + " must be positive: " + value);
    }
  }
}
