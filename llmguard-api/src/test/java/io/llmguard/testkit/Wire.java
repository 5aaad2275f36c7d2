package io.llmguard.testkit;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The little of HTTP/1.1's grammar (RFC 9112) that both ends of the testkit read. */
final class Wire {
  private static final int MAX_LINE = 1 << 20;

  private Wire() {}

  /**
   * Reads a line up to CRLF or LF, without it; null where the stream ends before its first byte.
   */
  static @Nullable String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream(80);
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        if (line.size() == 0) {
          return null;
        }
        throw new EOFException("the stream ended within a line");
      }
      if (line.size() == MAX_LINE) {
        throw new IOException("a line of over " + MAX_LINE + " bytes where a header was expected");
      }
      line.write(b);
    }
    String text = line.toString(StandardCharsets.ISO_8859_1);
    return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
  }

  static String requiredLine(InputStream in) throws IOException {
    String line = line(in);
    if (line == null) {
      throw new EOFException("the stream ended where a line was expected");
    }
    return line;
  }

  /** Reads header lines up to and including the empty one. */
  static List<Header> headers(InputStream in) throws IOException {
    List<Header> headers = new ArrayList<>();
    for (String line = requiredLine(in); !line.isEmpty(); line = requiredLine(in)) {
      int colon = line.indexOf(':');
      if (colon < 1) {
        throw new IOException("no header line: " + line);
      }
      headers.add(new Header(line.substring(0, colon), line.substring(colon + 1).strip()));
    }
    return List.copyOf(headers);
  }

  static Optional<String> first(List<Header> headers, String name) {
    return values(headers, name).findFirst();
  }

  static Stream<String> values(List<Header> headers, String name) {
    return headers.stream().filter(h -> h.name().equalsIgnoreCase(name)).map(Header::value);
  }

  static boolean chunked(List<Header> headers) {
    return values(headers, "Transfer-Encoding")
        .anyMatch(v -> v.toLowerCase(Locale.ROOT).endsWith("chunked"));
  }
}
