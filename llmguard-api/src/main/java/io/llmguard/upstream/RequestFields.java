package io.llmguard.upstream;

import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import io.llmguard.RequestBody;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Decides which of a client's fields go upstream. */
final class RequestFields {
  /**
   * What the client says to this server alone: hop-by-hop (RFC 9110, section 7.6.1) and framing,
   * which the transport makes anew; credentials; what proxies in front have said about the client;
   * what makes an upstream judge a browser's page that is none of its own; what makes it see
   * another method or path than was judged; what asks for a part of an answer, or for one in a
   * coding, which could not be metered.
   */
  private static final Set<String> DROPPED =
      set(
          "Connection",
          "Keep-Alive",
          "Proxy-Connection",
          "TE",
          "Trailer",
          "Transfer-Encoding",
          "Upgrade",
          "HTTP2-Settings",
          "Content-Length",
          "Expect",
          "Host",
          "Authorization",
          "Proxy-Authorization",
          "Proxy-Authenticate",
          "X-Api-Key",
          "Api-Key",
          "X-Goog-Api-Key",
          "Cookie",
          "Cookie2",
          "Client-Cert",
          "Client-Cert-Chain",
          "X-Client-Cert",
          "X-SSL-Cert",
          "X-SSL-Client-Cert",
          "SSL-Client-Cert",
          "Forwarded",
          "Via",
          "X-Real-IP",
          "X-Client-IP",
          "X-Cluster-Client-IP",
          "True-Client-IP",
          "CF-Connecting-IP",
          "Origin",
          "Referer",
          "X-Original-URL",
          "X-Original-URI",
          "X-Original-Method",
          "X-Rewrite-URL",
          "X-HTTP-Method",
          "X-HTTP-Method-Override",
          "X-Method-Override",
          "Accept-Encoding",
          "Range",
          "If-Range");

  private static final String[] DROPPED_PREFIXES = {
    "X-Llmguard-",
    "X-Forwarded-",
    "X-SSL-Client-",
    "Sec-WebSocket-",
    "Access-Control-Request-",
    "Sec-Fetch-"
  };

  /** What describes the bytes that came, not those that were checked and go on. */
  private static final Set<String> OF_RAW_BODY =
      set("Content-Encoding", "Content-MD5", "Digest", "Content-Digest");

  private RequestFields() {}

  static HeaderMap of(Headers client, Upstream upstream, RequestBody body) {
    HeaderMap fields = new HeaderMap();
    List<String> connection = client.all("Connection");
    boolean checked = !(body instanceof RequestBody.PassThrough);
    boolean json = body instanceof RequestBody.InMemory;
    client.forEach(
        (name, value) -> {
          if (!dropped(name)
              && !(checked && OF_RAW_BODY.contains(name))
              && !(json && name.equalsIgnoreCase("Content-Type"))
              && (connection.isEmpty() || !named(connection, name))) {
            fields.add(name, value);
          }
        });
    if (json) {
      // a server that chooses its reader by this field must read what was judged
      fields.add("Content-Type", "application/json");
    }
    fields.add("Accept-Encoding", "identity");
    upstream.headers().forEach(fields::set);
    String header = upstream.credentialHeader();
    String credential = upstream.credential();
    if (header != null && credential != null) {
      fields.set(header, credential);
    }
    return fields;
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
    // many servers read X_Api_Key as X-Api-Key, and would so be told what was kept from them
    return name.indexOf('_') >= 0;
  }

  /** True if a {@code Connection} field names this one as hop-by-hop. */
  static boolean named(List<String> connection, String name) {
    for (String line : connection) {
      int at = 0;
      while (at <= line.length()) {
        int comma = line.indexOf(',', at);
        int end = comma < 0 ? line.length() : comma;
        if (line.substring(at, end).trim().equalsIgnoreCase(name)) {
          return true;
        }
        at = end + 1;
      }
    }
    return false;
  }

  static Set<String> set(String... names) {
    Set<String> set = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    Collections.addAll(set, names);
    return Collections.unmodifiableSet(set);
  }
}
