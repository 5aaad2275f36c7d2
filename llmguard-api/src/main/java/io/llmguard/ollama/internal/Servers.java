package io.llmguard.ollama.internal;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Locale;

/** What may be a client's base URL. */
public final class Servers {
  private Servers() {}

  /**
   * A URL from its text.
   *
   * @throws IllegalArgumentException where it is none; the text, which may hold a credential, is
   *     not repeated
   */
  public static URI parse(String text) {
    try {
      return new URI(text);
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(
          "no URL: " + e.getReason() + (e.getIndex() < 0 ? "" : " at index " + e.getIndex()));
    }
  }

  /**
   * A copy of base URLs.
   *
   * @throws IllegalArgumentException naming a URL that is none of http or https, has no host, or
   *     holds a user name, a query or a fragment; neither of these is repeated
   */
  public static List<URI> check(List<URI> urls) {
    if (urls.isEmpty()) {
      throw new IllegalArgumentException("a client needs a base URL");
    }
    for (URI url : urls) {
      String scheme = url.getScheme() == null ? "" : url.getScheme().toLowerCase(Locale.ROOT);
      // a user name before a host that is none is not known as one
      if ((url.isOpaque() ? url.getSchemeSpecificPart() : String.valueOf(url.getRawAuthority()))
          .contains("@")) {
        throw new IllegalArgumentException("a base URL holds no credential: use credential()");
      }
      String shown = url.toString().split("[?#]", 2)[0];
      if (!(scheme.equals("http") || scheme.equals("https"))) {
        throw new IllegalArgumentException("no base URL of http or https: " + shown);
      }
      if (url.getHost() == null) {
        throw new IllegalArgumentException(
            "no host in " + shown + ": letters, digits, hyphens and dots make a name");
      }
      if (url.getRawQuery() != null || url.getRawFragment() != null) {
        throw new IllegalArgumentException("a base URL ends before ? and #: " + shown);
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
