package io.llmguard.admin;

/**
 * A call that the admin API answers.
 *
 * @param method the method
 * @param path the decoded path; {@code {key}} stands for one segment that names a key
 */
public record AdminRoute(String method, String path) {
  private static final String KEY = "{key}";

  /** True if one segment of the path names a key. */
  public boolean namesKey() {
    return path.contains(KEY);
  }

  /** The path up to the segment that names a key, with its slash. */
  public String prefix() {
    int at = path.indexOf(KEY);
    return at < 0 ? path : path.substring(0, at);
  }

  /** The path behind the segment that names a key. */
  String suffix() {
    return path.substring(path.indexOf(KEY) + KEY.length());
  }

  @Override
  public String toString() {
    return method + " " + path;
  }
}
