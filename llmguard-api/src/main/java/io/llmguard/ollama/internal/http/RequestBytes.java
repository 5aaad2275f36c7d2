package io.llmguard.ollama.internal.http;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A request as it goes over the wire, its body piece by piece. Not thread-safe but to close. */
final class RequestBytes {
  private static final String PROXY_PREFIX = "proxy-";

  private final RequestBody.@Nullable Source body;
  private final ByteBuffer head;
  private ByteBuffer @Nullable [] current;
  private boolean begun;

  /**
   * Opens the body.
   *
   * @throws BodyException where that fails
   */
  RequestBytes(HttpRequest request, @Nullable RequestBody content, Origin origin)
      throws BodyException {
    body = content == null ? null : opened(content);
    StringBuilder text = new StringBuilder(256);
    text.append(request.method()).append(' ').append(target(request, origin));
    text.append(" HTTP/1.1\r\nHost: ").append(origin.authority()).append("\r\n");
    if (body != null) {
      text.append("Content-Length: ").append(body.length()).append("\r\n");
    }
    // what is for a proxy is not for the server behind its tunnel, nor for one without a proxy
    append(text, request, origin.forwarded(), true);
    head = bytes(text.append("\r\n"));
  }

  /** How a proxy is asked for a tunnel to the request's server. */
  static ByteBuffer tunnel(HttpRequest request, Origin origin) {
    String to = origin.hostAndPort();
    StringBuilder text = new StringBuilder(128);
    text.append("CONNECT ").append(to).append(" HTTP/1.1\r\nHost: ").append(to).append("\r\n");
    append(text, request, true, false);
    return bytes(text.append("\r\n"));
  }

  private static void append(
      StringBuilder text, HttpRequest request, boolean forProxy, boolean forServer) {
    request
        .headers()
        .map()
        .forEach(
            (name, values) -> {
              boolean proxys = name.toLowerCase(Locale.ROOT).startsWith(PROXY_PREFIX);
              if (proxys ? forProxy : forServer) {
                for (String value : values) {
                  text.append(name).append(": ").append(value).append("\r\n");
                }
              }
            });
  }

  private static ByteBuffer bytes(StringBuilder text) {
    return ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.ISO_8859_1));
  }

  private static RequestBody.Source opened(RequestBody content) throws BodyException {
    try {
      return content.open();
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  private static BodyException unreadable(IOException e) {
    return e instanceof BodyException known
        ? known
        : new BodyException("the body cannot be read: " + e.getClass().getSimpleName(), e);
  }

  private static String target(HttpRequest request, Origin origin) {
    // a path may hold letters of any language, which are not for the wire
    URI uri = URI.create(request.uri().toASCIIString());
    String path = uri.getRawPath();
    String query = uri.getRawQuery();
    String relative =
        (path == null || path.isEmpty() ? "/" : path) + (query == null ? "" : "?" + query);
    return origin.forwarded() ? "http://" + origin.authority() + relative : relative;
  }

  /**
   * Sends on; true where all was sent.
   *
   * @throws BodyException where the body cannot be read
   * @throws IOException where the connection fails
   */
  boolean send(Connection connection, Runnable progress) throws IOException {
    for (ByteBuffer[] bytes = next(); bytes != null; bytes = next()) {
      long before = remaining(bytes);
      boolean all = connection.write(bytes);
      if (remaining(bytes) < before) {
        progress.run();
      }
      if (!all) {
        return false;
      }
      current = null;
    }
    return true;
  }

  private static long remaining(ByteBuffer[] bytes) {
    long remaining = 0;
    for (ByteBuffer buffer : bytes) {
      remaining += buffer.remaining();
    }
    return remaining;
  }

  private ByteBuffer @Nullable [] next() throws BodyException {
    if (current == null) {
      ByteBuffer piece = body == null ? null : piece(body);
      if (!begun) {
        // the head goes out with the first piece of the body
        begun = true;
        current = piece == null ? new ByteBuffer[] {head} : new ByteBuffer[] {head, piece};
      } else if (piece != null) {
        current = new ByteBuffer[] {piece};
      }
    }
    return current;
  }

  private static @Nullable ByteBuffer piece(RequestBody.Source body) throws BodyException {
    try {
      return body.next();
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /** Lets go of the body, which is not read any more. */
  void close() {
    if (body != null) {
      try {
        body.close();
      } catch (IOException e) {
        // it was only read
      }
    }
  }
}
