package io.llmguard.inspect;

/**
 * Judges what a prompt says before the call goes on. Thread-safe.
 *
 * <p>One that throws has the call refused with 500: a guard that breaks does not open.
 */
public interface PromptInspector {
  /**
   * What it is called in reasons and metrics: words of a-z and 0-9 joined by hyphens, at most 40
   * characters.
   */
  String name();

  /** What is to become of the call. */
  Verdict inspect(Prompt prompt);

  /**
   * True if {@link #inspect} may wait for I/O; then the reactive adapter keeps it off its event
   * loop.
   */
  default boolean blocking() {
    return false;
  }
}
