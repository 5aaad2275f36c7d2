package io.llmguard.upstream;

import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Decides which of an upstream's fields reach the client. */
final class ResponseFields {
  /**
   * Hop-by-hop fields, and what an upstream has no right to say in the name of the guarded host:
   * cookies, challenges, alternative services, browser policy for the whole site.
   */
  private static final Set<String> DROPPED =
      RequestFields.set(
          "Connection",
          "Keep-Alive",
          "Proxy-Connection",
          "TE",
          "Trailer",
          "Transfer-Encoding",
          "Upgrade",
          "Proxy-Authenticate",
          "Proxy-Authentication-Info",
          "WWW-Authenticate",
          "Authentication-Info",
          "Set-Cookie",
          "Set-Cookie2",
          "Alt-Svc",
          "Clear-Site-Data",
          "Strict-Transport-Security",
          "Public-Key-Pins",
          "Location",
          "Refresh",
          "X-Accel-Redirect",
          "X-Accel-Buffering",
          "X-Accel-Expires",
          "X-Accel-Limit-Rate",
          "X-Accel-Charset",
          "X-Sendfile");

  private static final Set<String> OF_BODY =
      RequestFields.set(
          "Content-Length", "Content-MD5", "Content-Digest", "Repr-Digest", "Digest", "ETag");

  private static final String[] DROPPED_PREFIXES = {"X-Llmguard-", "Access-Control-"};

  private ResponseFields() {}

  static HeaderMap of(Headers upstream, Headers own, boolean stream) {
    HeaderMap fields = new HeaderMap();
    List<String> connection = upstream.all("Connection");
    upstream.forEach(
        (name, value) -> {
          if (!dropped(name)
              && !own.contains(name)
              && !(stream && name.equalsIgnoreCase("Cache-Control"))
              && (connection.isEmpty() || !RequestFields.named(connection, name))) {
            fields.add(name, value);
          }
        });
    if (stream) {
      fields.add("Cache-Control", "no-cache").add("X-Accel-Buffering", "no");
    }
    return fields.addAll(own);
  }

  /** Takes out what describes a body that is going to be changed. */
  static void withoutDigests(HeaderMap fields) {
    for (String name : OF_BODY) {
      fields.remove(name);
    }
  }

  private static boolean dropped(String name) {
    if (DROPPED.contains(name)) {
      return true;
    }
    for (String prefix : DROPPED_PREFIXES) {
      if (name.regionMatches(true, 0, prefix, 0, prefix.length())) {
        return true;
      }
    }
    return false;
  }

  /** True for the media types in which an answer comes piece by piece. */
  static boolean isStream(@Nullable String contentType) {
    if (contentType == null) {
      return false;
    }
    int end = contentType.indexOf(';');
    String type = (end < 0 ? contentType : contentType.substring(0, end)).trim();
    return switch (type.toLowerCase(Locale.ROOT)) {
      case "application/x-ndjson", "application/ndjson", "text/event-stream" -> true;
      default -> false;
    };
  }
}
