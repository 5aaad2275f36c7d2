package io.llmguard.limit;

/**
 * How strictly a limit is held.
 *
 * @param shadow true to count and report, and to refuse nothing and announce nothing
 * @param failOpen true to let calls pass unchecked while the store fails; false to refuse them
 */
public record LimitMode(boolean shadow, boolean failOpen) {
  /** Refuses what is over the limit, and what cannot be checked. */
  public static final LimitMode ENFORCE = new LimitMode(false, false);

  /** Counts and reports only. */
  public static final LimitMode SHADOW = new LimitMode(true, true);

  /** The same, but while the store fails calls pass unchecked. */
  public LimitMode withFailOpen() {
    return new LimitMode(shadow, true);
  }
}
