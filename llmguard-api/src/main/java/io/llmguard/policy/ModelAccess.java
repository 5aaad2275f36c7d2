package io.llmguard.policy;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Which models a caller may name.
 *
 * <p>A pattern is a model's name in which {@code *} stands for any characters. Names with and
 * without a scheme or the tags {@code :latest} and {@code :local} are the same model. A model that
 * runs at the server owner's expense elsewhere (tag {@code cloud} or {@code …-cloud}) is allowed by
 * its exact name only, never by a pattern. Immutable.
 */
public final class ModelAccess {
  /** Every model that does not run at the server owner's expense elsewhere. */
  public static final ModelAccess ALL = new ModelAccess(List.of("*"));

  private final List<String> patterns;
  private final List<Pattern> wildcards;

  private ModelAccess(List<String> patterns) {
    this.patterns = List.copyOf(patterns);
    this.wildcards =
        this.patterns.stream().filter(p -> p.indexOf('*') >= 0).map(ModelAccess::compile).toList();
  }

  /** Access to models that match one of the patterns; to none if the list is empty. */
  public static ModelAccess of(List<String> patterns) {
    return patterns.equals(ALL.patterns) ? ALL : new ModelAccess(patterns);
  }

  /** The patterns as given. */
  public List<String> patterns() {
    return patterns;
  }

  /** True if a caller may name this model. */
  public boolean allows(String model) {
    String canonical = canonical(model);
    for (String pattern : patterns) {
      if (canonical(pattern).equals(canonical)) {
        return true;
      }
    }
    if (isCloud(canonical)) {
      return false;
    }
    for (Pattern wildcard : wildcards) {
      if (wildcard.matcher(canonical).matches() || wildcard.matcher(model).matches()) {
        return true;
      }
    }
    return false;
  }

  /**
   * The name without what Ollama reads past: a scheme such as {@code https://}, and in any case the
   * tag {@code :latest}, which it adds to a name that has none, and {@code :local}, which asks for
   * the model that runs here. The rest keeps its case.
   */
  public static String canonical(String model) {
    int scheme = model.indexOf("://");
    String name = scheme < 0 ? model : model.substring(scheme + 3);
    while (endsWith(name, ":latest") || endsWith(name, ":local")) {
      name = name.substring(0, name.lastIndexOf(':'));
    }
    return name;
  }

  private static boolean endsWith(String name, String tag) {
    return name.regionMatches(true, name.length() - tag.length(), tag, 0, tag.length());
  }

  /**
   * True if the model's tag says that it runs on somebody else's server, at the owner's expense.
   */
  public static boolean isCloud(String model) {
    String name = canonical(model);
    int colon = name.lastIndexOf(':');
    if (colon < 0) {
      return false;
    }
    String tag = name.substring(colon + 1);
    return tag.equalsIgnoreCase("cloud") || endsWith(tag, "-cloud");
  }

  private static Pattern compile(String pattern) {
    StringBuilder regex = new StringBuilder();
    int from = 0;
    for (int star; (star = pattern.indexOf('*', from)) >= 0; from = star + 1) {
      regex.append(Pattern.quote(pattern.substring(from, star))).append(".*");
    }
    return Pattern.compile(regex.append(Pattern.quote(pattern.substring(from))).toString());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ModelAccess that && patterns.equals(that.patterns);
  }

  @Override
  public int hashCode() {
    return patterns.hashCode();
  }

  @Override
  public String toString() {
    return "ModelAccess" + patterns;
  }
}
