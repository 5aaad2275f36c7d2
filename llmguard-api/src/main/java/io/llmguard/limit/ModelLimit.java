package io.llmguard.limit;

/**
 * A limit on the calls of the models whose names match.
 *
 * @param pattern a model's name, in which {@code *} stands for any characters; letters match in
 *     either case, and names with and without {@code :latest} or Ollama's default registry and
 *     namespace are the same
 * @param limit how many calls
 * @param perCaller true to count each caller apart; false to count all callers together
 */
public record ModelLimit(String pattern, RateLimit limit, boolean perCaller) {
  /** Checks the pattern. */
  public ModelLimit {
    if (pattern.isBlank()) {
      throw new IllegalArgumentException("a limit on models needs a pattern; * is every model");
    }
  }
}
