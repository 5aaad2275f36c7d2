package io.llmguard.limit;

/**
 * Hears what each limit says to each call, for metrics.
 *
 * <p>It is called on the thread of the call: it returns at once and does not throw. Implementations
 * are thread-safe.
 */
@FunctionalInterface
public interface LimitListener {
  /** Hears nothing. */
  LimitListener NONE = (policy, event) -> {};

  /**
   * Hears one answer.
   *
   * @param policy the limit: a fixed word such as {@code per-key}, fit for a metric's tag
   * @param event what it said
   */
  void heard(String policy, Event event);

  /** What a limit says. */
  enum Event {
    /** The call is within the limit. */
    ADMITTED,
    /** The call is over the limit, and refused. */
    REFUSED,
    /** The call is over a limit in shadow mode, and passes. */
    SHADOW_REFUSED,
    /** The store failed; the call passes unchecked. */
    PASSED_UNCHECKED,
    /** The store failed; the call is refused. */
    REFUSED_UNCHECKED
  }
}
