package io.llmguard.ollama.internal;

import java.net.URI;
import java.util.List;
import java.util.Locale;

/** What may be a client's base URL. */
public final class Servers {
  private Servers() {}

  /**
   * A copy of base URLs.
   *
   * @throws IllegalArgumentException naming a URL that is none of http or https, has no host, or
   *     holds a user name, a query or a fragment; one with a user name is not repeated
   */
  public static List<URI> check(List<URI> urls) {
    if (urls.isEmpty()) {
      throw new IllegalArgumentException("a client needs a base URL");
    }
    for (URI url : urls) {
      String scheme = url.getScheme() == null ? "" : url.getScheme().toLowerCase(Locale.ROOT);
      if (url.getUserInfo() != null) {
        throw new IllegalArgumentException("a base URL holds no credential: use credential()");
      }
      if (!(scheme.equals("http") || scheme.equals("https"))
          || url.getHost() == null
          || url.getRawQuery() != null
          || url.getRawFragment() != null) {
        throw new IllegalArgumentException("no base URL of http or https: " + url);
      }
    }
    return List.copyOf(urls);
  }

  /** The bound of a line, or of an answer that comes whole. */
  public static int maxResponse(int bytes) {
    if (bytes < 1024) {
      throw new IllegalArgumentException("maxResponse under 1024 bytes: " + bytes);
    }
    return bytes;
  }
}
