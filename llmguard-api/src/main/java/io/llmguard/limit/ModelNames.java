package io.llmguard.limit;

import io.llmguard.policy.ModelAccess;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Brings the ways to write a model's name together, so that another spelling is no other bucket:
 * Ollama takes names in any case, reads past a scheme and {@code :local}, and fills in registry,
 * namespace and tag.
 */
public final class ModelNames {
  private ModelNames() {}

  /** The one spelling of a model's name. */
  public static String plain(String model) {
    String name = ModelAccess.canonical(model.toLowerCase(Locale.ROOT));
    if (name.startsWith("registry.ollama.ai/")) {
      name = name.substring("registry.ollama.ai/".length());
    }
    return name.startsWith("library/") ? name.substring("library/".length()) : name;
  }

  /**
   * What a pattern matches of names in {@link #plain}.
   *
   * @param pattern a model's name, in which {@code *} stands for any characters
   */
  public static Pattern pattern(String pattern) {
    String plain = plain(pattern);
    StringBuilder regex = new StringBuilder();
    int from = 0;
    for (int star; (star = plain.indexOf('*', from)) >= 0; from = star + 1) {
      regex.append(Pattern.quote(plain.substring(from, star))).append(".*");
    }
    return Pattern.compile(
        regex.append(Pattern.quote(plain.substring(from))).toString(), Pattern.DOTALL);
  }
}
