package io.llmguard.callback;

/**
 * Hears of calls that have ended.
 *
 * <p>Called on the thread that completes the call, so an implementation is thread-safe and must not
 * block; what sends reports elsewhere does so behind a {@link CallbackQueue}. What it throws is
 * logged and hinders nothing.
 */
@FunctionalInterface
public interface CallListener {
  /** A call to a model has ended. */
  void ended(CallReport report);
}
