package io.llmguard.testkit;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A recorded exchange with a real server, as described in {@code wire/README.md}. Immutable; arrays
 * are handed out as copies.
 */
public final class Recording {
  private final String name;
  private final String method;
  private final String path;
  private final byte[] body;
  private final byte[] response;
  private final int status;
  private final List<Header> headers;
  private final int headLength;
  private final List<byte[]> chunks;

  private Recording(String name) throws IOException {
    this.name = name;
    byte[] request = resource(name + ".request");
    ByteArrayInputStream in = new ByteArrayInputStream(request);
    String[] line = Wire.requiredLine(in).split(" ", 2);
    this.method = line[0];
    this.path = line[1];
    byte[] rest = in.readAllBytes();
    int length = rest.length > 0 && rest[rest.length - 1] == '\n' ? rest.length - 1 : rest.length;
    this.body = Arrays.copyOf(rest, length);

    this.response = resource(name + ".response");
    ByteArrayInputStream raw = new ByteArrayInputStream(response);
    this.status = Integer.parseInt(Wire.requiredLine(raw).split(" ", 3)[1]);
    this.headers = Wire.headers(raw);
    this.headLength = response.length - raw.available();
    this.chunks = chunks(BodyReader.ofResponse(raw, headers, false));
  }

  /**
   * The recording of this name.
   *
   * @throws IllegalArgumentException where there is none
   */
  public static Recording of(String name) {
    try {
      return new Recording(name);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All recordings, in the order of their names. */
  public static List<Recording> all() {
    try {
      String index = new String(resource("index.txt"), StandardCharsets.UTF_8);
      return index.lines().map(Recording::of).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The name of the two files, without what follows the dot. */
  public String name() {
    return name;
  }

  /** Whether llama.cpp's server spoke; else it was Ollama. */
  public boolean fromLlamaCpp() {
    return name.startsWith("llamacpp-");
  }

  /** The request's method. */
  public String method() {
    return method;
  }

  /** The request's path. */
  public String path() {
    return path;
  }

  /** The request's body; empty where it had none. */
  public byte[] body() {
    return body.clone();
  }

  /** The request's body as text. */
  public String bodyText() {
    return new String(body, StandardCharsets.UTF_8);
  }

  /** The whole answer as it came over the socket. */
  public byte[] response() {
    return response.clone();
  }

  /** The answer's status code. */
  public int status() {
    return status;
  }

  /** The answer's headers, in order. */
  public List<Header> headers() {
    return headers;
  }

  /** The first value of a header of the answer, whatever the case of its name. */
  public Optional<String> header(String headerName) {
    return Wire.first(headers, headerName);
  }

  /** How many bytes the status line and the headers take, with the empty line that ends them. */
  public int headLength() {
    return headLength;
  }

  /** Whether the answer's body came in chunks. */
  public boolean chunked() {
    return Wire.chunked(headers);
  }

  /**
   * The chunks of the answer's body, each one write of the server; else its body as the only one.
   */
  public List<byte[]> chunks() {
    return chunks.stream().map(byte[]::clone).toList();
  }

  /** The answer's body without its framing. */
  public byte[] responseBody() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    chunks.forEach(all::writeBytes);
    return all.toByteArray();
  }

  /** The answer's body as text. */
  public String responseText() {
    return new String(responseBody(), StandardCharsets.UTF_8);
  }

  @Override
  public String toString() {
    return name;
  }

  private static List<byte[]> chunks(BodyReader reader) throws IOException {
    List<byte[]> chunks = new ArrayList<>();
    byte[] buffer = new byte[1 << 20];
    for (int n = reader.read(buffer); n >= 0; n = reader.read(buffer)) {
      chunks.add(Arrays.copyOf(buffer, n));
    }
    return List.copyOf(chunks);
  }

  private static byte[] resource(String file) throws IOException {
    try (InputStream in = Recording.class.getResourceAsStream("/wire/" + file)) {
      if (in == null) {
        throw new IllegalArgumentException("no recording: wire/" + file);
      }
      return in.readAllBytes();
    }
  }
}
