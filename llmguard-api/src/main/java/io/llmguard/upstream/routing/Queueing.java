package io.llmguard.upstream.routing;

import io.llmguard.Exchange;
import java.time.Duration;
import java.util.Objects;
import java.util.function.ToIntFunction;

/**
 * How calls wait while every deployment of their model has as many calls as it may have at once.
 *
 * <p>A call that finds the queue full is refused with 503 {@code queue-full}, one that has waited
 * too long with 503 {@code queue-timeout}. Who is of a higher priority goes first; within one,
 * callers take turns.
 *
 * @param size how many calls may wait for a model; 0 for none
 * @param longest how long a call may wait
 * @param priority the priority of a call; higher goes first
 */
public record Queueing(int size, Duration longest, ToIntFunction<Exchange> priority) {
  /** 512 calls, as in Ollama, for up to 30 s, all of one priority. */
  public static final Queueing DEFAULT = new Queueing(512, Duration.ofSeconds(30), exchange -> 0);

  /** Checks the values. */
  public Queueing {
    if (size < 0 || longest.isNegative()) {
      throw new IllegalArgumentException(
          "a queue has a size of 0 or more and a time: " + size + ", " + longest);
    }
    Objects.requireNonNull(priority);
  }
}
