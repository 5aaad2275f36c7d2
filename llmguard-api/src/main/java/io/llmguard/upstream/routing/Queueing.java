package io.llmguard.upstream.routing;

import io.llmguard.Exchange;
import io.llmguard.auth.Caller;
import java.time.Duration;
import java.util.Objects;
import java.util.function.ToIntFunction;

/**
 * How calls wait while every deployment of their model has as many calls as it may have at once.
 *
 * <p>A call that finds the queue full is refused with 503 {@code queue-full}, one that has waited
 * too long with 503 {@code queue-timeout}. Who is of a higher priority goes first; within one, the
 * caller whose calls have taken least of the servers' time of late, of all models and with those
 * that did not have to wait.
 *
 * @param size how many calls may wait for a model; 0 for none
 * @param longest how long a call may wait
 * @param priority the priority of a call whose caller's limits do not set one; higher goes first
 * @param halfLife after how long the time that a caller has used counts half as much
 */
public record Queueing(
    int size, Duration longest, ToIntFunction<Exchange> priority, Duration halfLife) {
  private static final Duration HALF_LIFE = Duration.ofSeconds(30);

  /** 512 calls, as in Ollama, for up to 30 s, of priority 0, with a half-life of 30 s. */
  public static final Queueing DEFAULT = new Queueing(512, Duration.ofSeconds(30), exchange -> 0);

  /** Checks the values. */
  public Queueing {
    if (halfLife.isNegative() || halfLife.isZero()) {
      throw new IllegalArgumentException("a half-life is longer than nothing: " + halfLife);
    }
    if (size < 0 || longest.isNegative()) {
      throw new IllegalArgumentException(
          "a queue has a size of 0 or more and a time: " + size + ", " + longest);
    }
    Objects.requireNonNull(priority);
  }

  /** The same with a half-life of 30 s. */
  public Queueing(int size, Duration longest, ToIntFunction<Exchange> priority) {
    this(size, longest, priority, HALF_LIFE);
  }

  /** The priority of a call: its caller's own, else the configured one. */
  int priorityOf(Exchange exchange) {
    Caller caller = exchange.caller();
    Integer own = caller == null ? null : caller.limits().priority();
    return own == null ? priority.applyAsInt(exchange) : own;
  }
}
