package io.llmguard.ollama;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The four time limits of a call, each apart. Each is more than zero; null is no limit, which only
 * {@code total} may be.
 *
 * @param connect until the connection stands; default 10 seconds
 * @param firstToken from the start of the call to its first event, or to the end of an answer that
 *     comes whole; a cold model is loaded within it; default 10 minutes
 * @param idle between two events, counted only while the caller waits for one; bytes that make no
 *     event do not count; default 2 minutes. Pull, push and create have one of their own: {@link
 *     OllamaClient.Builder#transferIdle}
 * @param total from start to end; default none
 */
public record Timeouts(
    Duration connect, Duration firstToken, Duration idle, @Nullable Duration total) {
  /** The defaults. */
  public static final Timeouts DEFAULT =
      new Timeouts(Duration.ofSeconds(10), Duration.ofMinutes(10), Duration.ofMinutes(2), null);

  /** Refuses a limit that is not positive. */
  public Timeouts {
    positive("connect", connect);
    positive("firstToken", firstToken);
    positive("idle", idle);
    if (total != null) {
      positive("total", total);
    }
  }

  private static void positive(String name, Duration value) {
    if (value.isZero() || value.isNegative()) {
      throw new IllegalArgumentException("time-out " + name + " is not positive: " + value);
    }
  }

  /** With another limit for connecting. */
  public Timeouts withConnect(Duration limit) {
    return new Timeouts(limit, firstToken, idle, total);
  }

  /** With another limit for the first event. */
  public Timeouts withFirstToken(Duration limit) {
    return new Timeouts(connect, limit, idle, total);
  }

  /** With another limit between events. */
  public Timeouts withIdle(Duration limit) {
    return new Timeouts(connect, firstToken, limit, total);
  }

  /** With another limit for all of it. */
  public Timeouts withTotal(@Nullable Duration limit) {
    return new Timeouts(connect, firstToken, idle, limit);
  }
}
