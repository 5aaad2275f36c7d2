package io.llmguard.servlet.internal;

import jakarta.servlet.http.Part;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A part of a form in a file, which goes with the call. */
final class FormPart implements Part {
  private final Path file;
  private final long offset;
  private final long length;
  private final Path location;
  private final Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
  private final Map<String, String> disposition;

  /**
   * A part.
   *
   * @param head its header lines
   * @param offset where in the file its content begins
   * @param length how many bytes its content has
   * @param location where relative files are written
   */
  FormPart(Path file, List<String> head, long offset, long length, Path location) {
    this.file = file;
    this.offset = offset;
    this.length = length;
    this.location = location;
    for (String line : head) {
      int colon = line.indexOf(':');
      headers
          .computeIfAbsent(line.substring(0, colon), name -> new java.util.ArrayList<>(1))
          .add(line.substring(colon + 1).strip());
    }
    disposition = parameters(String.valueOf(getHeader("Content-Disposition")));
  }

  /** The parameters of a field that a strict reader has taken: no escapes, none twice. */
  static Map<String, String> parameters(String field) {
    Map<String, String> parameters = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    int at = field.indexOf(';');
    while (at >= 0) {
      int equals = field.indexOf('=', at);
      if (equals < 0) {
        break;
      }
      boolean quoted = field.startsWith("\"", equals + 1);
      int start = quoted ? equals + 2 : equals + 1;
      int end = field.indexOf(quoted ? '"' : ';', start);
      int stop = end < 0 ? field.length() : end;
      parameters.put(field.substring(at + 1, equals).strip(), field.substring(start, stop).strip());
      at = field.indexOf(';', stop);
    }
    return parameters;
  }

  @Override
  public String getName() {
    return disposition.getOrDefault("name", "");
  }

  @Override
  public @Nullable String getSubmittedFileName() {
    return disposition.get("filename");
  }

  @Override
  public @Nullable String getContentType() {
    return getHeader("Content-Type");
  }

  @Override
  public long getSize() {
    return length;
  }

  @Override
  public InputStream getInputStream() throws IOException {
    return new Content(FileChannel.open(file, StandardOpenOption.READ).position(offset), length);
  }

  @Override
  public void write(String fileName) throws IOException {
    try (InputStream content = getInputStream()) {
      Files.copy(content, location.resolve(fileName), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** Nothing of it is there but what goes with the call. */
  @Override
  public void delete() {}

  @Override
  public @Nullable String getHeader(String name) {
    List<String> values = headers.get(name);
    return values == null ? null : values.get(0);
  }

  @Override
  public Collection<String> getHeaders(String name) {
    return headers.getOrDefault(name, List.of());
  }

  @Override
  public Collection<String> getHeaderNames() {
    return Collections.unmodifiableSet(headers.keySet());
  }

  /** Some of a file's bytes. */
  private static final class Content extends InputStream {
    private final FileChannel channel;
    private long left;

    Content(FileChannel channel, long length) {
      this.channel = channel;
      this.left = length;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int at, int most) throws IOException {
      if (left == 0) {
        return most == 0 ? 0 : -1;
      }
      int n = channel.read(ByteBuffer.wrap(into, at, (int) Math.min(most, left)));
      left = n < 0 ? 0 : left - n;
      return n;
    }

    @Override
    public int available() {
      return (int) Math.min(Integer.MAX_VALUE, left);
    }

    @Override
    public void close() throws IOException {
      left = 0;
      channel.close();
    }
  }
}
