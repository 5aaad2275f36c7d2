package io.llmguard.limit;

/**
 * A limit on the calls of the models whose names match.
 *
 * @param pattern a model's name, in which {@code *} stands for any characters; letters match in
 *     either case, and names with and without {@code :latest} or Ollama's default registry and
 *     namespace are the same
 * @param limit how many calls
 * @param perCaller true to count each caller apart; false to count all callers together
 * @param mode how strictly it is held
 */
public record ModelLimit(String pattern, RateLimit limit, boolean perCaller, LimitMode mode) {
  /** Checks the pattern. */
  public ModelLimit {
    if (pattern.isBlank()) {
      throw new IllegalArgumentException("a limit on models needs a pattern; * is every model");
    }
  }

  /** A limit that is enforced. */
  public ModelLimit(String pattern, RateLimit limit, boolean perCaller) {
    this(pattern, limit, perCaller, LimitMode.ENFORCE);
  }
}
