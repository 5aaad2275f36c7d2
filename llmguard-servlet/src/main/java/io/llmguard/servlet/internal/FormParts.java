package io.llmguard.servlet.internal;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.llmguard.RequestBody;
import jakarta.servlet.http.Part;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLDecoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a form that was checked: the container has nothing left to find them in. That it was
 * read strictly is relied on: its boundary stands nowhere but between the parts, and lines end with
 * CRLF.
 */
final class FormParts {
  private final List<Part> parts;

  private FormParts(List<Part> parts) {
    this.parts = Collections.unmodifiableList(parts);
  }

  /**
   * Finds the parts.
   *
   * @param contentType the request's, with the boundary
   * @param location where the parts' relative files are written
   */
  static FormParts of(RequestBody.InFile form, String contentType, Path location)
      throws IOException {
    String boundary = FormPart.parameters(contentType).getOrDefault("boundary", "");
    byte[] delimiter = ("--" + boundary).getBytes(ISO_8859_1);
    List<Part> parts = new ArrayList<>();
    try (InputStream in = new BufferedInputStream(Files.newInputStream(form.file()), 1 << 16)) {
      Scanner scanner = new Scanner(in, delimiter);
      scanner.toDelimiter();
      while (!scanner.atEnd()) {
        List<String> head = scanner.head();
        long offset = scanner.offset;
        long end = scanner.toDelimiter() - delimiter.length - 2;
        parts.add(new FormPart(form.file(), head, offset, end - offset, location));
      }
    }
    return new FormParts(parts);
  }

  List<Part> all() {
    return parts;
  }

  @Nullable Part named(String name) {
    for (Part part : parts) {
      if (part.getName().equals(name)) {
        return part;
      }
    }
    return null;
  }

  /** The parameters of the query, and then the texts of parts that are no files. */
  Map<String, String[]> parameters(@Nullable String query) throws IOException {
    Map<String, List<String>> all = new LinkedHashMap<>();
    for (String pair : (query == null ? "" : query).split("&", -1)) {
      int equals = pair.indexOf('=');
      if (!pair.isEmpty()) {
        String name = equals < 0 ? pair : pair.substring(0, equals);
        String value = equals < 0 ? "" : pair.substring(equals + 1);
        add(all, URLDecoder.decode(name, UTF_8), URLDecoder.decode(value, UTF_8));
      }
    }
    for (Part part : parts) {
      if (part.getSubmittedFileName() == null) {
        try (InputStream content = part.getInputStream()) {
          add(all, part.getName(), new String(content.readAllBytes(), UTF_8));
        }
      }
    }
    Map<String, String[]> parameters = new LinkedHashMap<>();
    all.forEach((name, values) -> parameters.put(name, values.toArray(String[]::new)));
    return Collections.unmodifiableMap(parameters);
  }

  private static void add(Map<String, List<String>> all, String name, String value) {
    all.computeIfAbsent(name, n -> new ArrayList<>(1)).add(value);
  }

  /** Goes through a form, byte by byte. */
  private static final class Scanner {
    private final InputStream in;
    private final byte[] delimiter;
    private long offset;

    Scanner(InputStream in, byte[] delimiter) {
      this.in = in;
      this.delimiter = delimiter;
    }

    private int next() throws IOException {
      int b = in.read();
      if (b >= 0) {
        offset++;
      }
      return b;
    }

    /** Goes behind the next delimiter; the offset there, or the form's end. */
    long toDelimiter() throws IOException {
      byte[] last = new byte[delimiter.length];
      int count = 0;
      for (int b = next(); b >= 0; b = next()) {
        last[count++ % last.length] = (byte) b;
        if (count >= last.length && ends(last, count % last.length)) {
          return offset;
        }
      }
      return offset;
    }

    /** True if the ring of bytes, which begins here, is the delimiter. */
    private boolean ends(byte[] ring, int begin) {
      for (int i = delimiter.length - 1; i >= 0; i--) {
        if (ring[(begin + i) % ring.length] != delimiter[i]) {
          return false;
        }
      }
      return true;
    }

    /** Goes behind what ends a delimiter's line; true at the form's end. */
    boolean atEnd() throws IOException {
      int first = next();
      int second = next();
      return first != '\r' || second != '\n';
    }

    /** Goes behind a part's head, and answers its lines. */
    List<String> head() throws IOException {
      List<String> lines = new ArrayList<>();
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      for (int b = next(); b >= 0; b = next()) {
        if (b != '\n') {
          line.write(b);
          continue;
        }
        String text = line.toString(UTF_8).stripTrailing();
        line.reset();
        if (text.isEmpty()) {
          break;
        }
        lines.add(text);
      }
      return lines;
    }
  }
}
