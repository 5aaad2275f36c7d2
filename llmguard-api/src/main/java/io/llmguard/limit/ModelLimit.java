package io.llmguard.limit;

import java.util.regex.Pattern;

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

  /** The pattern as what it matches of names in {@link ModelNames#plain}. */
  static Pattern compile(String pattern) {
    String plain = ModelNames.plain(pattern);
    StringBuilder regex = new StringBuilder();
    int from = 0;
    for (int star; (star = plain.indexOf('*', from)) >= 0; from = star + 1) {
      regex.append(Pattern.quote(plain.substring(from, star))).append(".*");
    }
    return Pattern.compile(
        regex.append(Pattern.quote(plain.substring(from))).toString(), Pattern.DOTALL);
  }
}
