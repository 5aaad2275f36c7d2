package io.llmguard.upstream;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Puts the path that was judged under an upstream's base, encoded so that it means the same there.
 * Keeps the few that come again and again. Thread-safe.
 */
final class UpstreamTargets {
  private static final int KEPT = 64;
  private static final char[] HEX = "0123456789ABCDEF".toCharArray();

  private final String prefix;
  private final Map<String, URI> kept = new ConcurrentHashMap<>();

  UpstreamTargets(URI base) {
    String text = base.toString();
    prefix = text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
  }

  /**
   * The URI of a call.
   *
   * @param path the decoded path, which begins with a slash
   * @param rawQuery the query as it came, or null
   */
  URI of(String path, @Nullable String rawQuery) {
    if (rawQuery != null) {
      return URI.create(prefix + encode(path, false) + "?" + encode(rawQuery, true));
    }
    URI known = kept.get(path);
    if (known == null) {
      known = URI.create(prefix + encode(path, false));
      if (kept.size() < KEPT) {
        kept.put(path, known);
      }
    }
    return known;
  }

  /**
   * Percent-encodes what may not stand in a path, or in a query (RFC 3986, sections 3.3 and 3.4); a
   * query's own escapes stay.
   */
  private static String encode(String text, boolean query) {
    int at = 0;
    while (at < text.length() && allowed(text, at, query)) {
      at++;
    }
    if (at == text.length()) {
      return text;
    }
    StringBuilder encoded = new StringBuilder(text.length() + 16).append(text, 0, at);
    while (at < text.length()) {
      if (allowed(text, at, query)) {
        encoded.append(text.charAt(at++));
        continue;
      }
      int next = at + Character.charCount(text.codePointAt(at));
      for (byte b : text.substring(at, next).getBytes(StandardCharsets.UTF_8)) {
        encoded.append('%').append(HEX[b >> 4 & 0xf]).append(HEX[b & 0xf]);
      }
      at = next;
    }
    return encoded.toString();
  }

  private static boolean allowed(String text, int at, boolean query) {
    char c = text.charAt(at);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
      return true;
    }
    if (c == '%') {
      return query
          && at + 2 < text.length()
          && isHex(text.charAt(at + 1))
          && isHex(text.charAt(at + 2));
    }
    return (query ? "/-._~:@!$&'()*+,=;?" : "/-._~:@!$&'()*+,=").indexOf(c) >= 0;
  }

  private static boolean isHex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  }
}
