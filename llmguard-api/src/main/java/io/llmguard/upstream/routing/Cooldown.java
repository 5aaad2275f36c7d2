package io.llmguard.upstream.routing;

import java.time.Duration;

/**
 * When a server that fails is left alone, and how long.
 *
 * @param allowedFails how many failures within a minute are borne; one more begins a cool-down
 * @param time how long a cool-down lasts, unless the server asks for longer; after it one call at a
 *     time finds out whether the server is well, and its failure begins the next cool-down
 * @param refuse where all servers of a model are cooling down: true to refuse calls with 503, false
 *     to try the one that is nearest to its end, as a failure could only be as bad
 */
public record Cooldown(int allowedFails, Duration time, boolean refuse) {
  /** Three failures are borne, and cool-downs last 5 s. */
  public static final Cooldown DEFAULT = new Cooldown(3, Duration.ofSeconds(5), false);

  /** Checks the values. */
  public Cooldown {
    if (allowedFails < 0 || time.isNegative()) {
      throw new IllegalArgumentException(
          "a cool-down has 0 or more allowed failures and a time: " + allowedFails + ", " + time);
    }
  }
}
