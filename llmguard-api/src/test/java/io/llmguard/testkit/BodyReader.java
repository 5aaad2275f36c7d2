package io.llmguard.testkit;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/**
 * Reads a message body piece by piece and takes its framing off: chunked, of a known length, or up
 * to the end of the connection (RFC 9112, section 6.3).
 */
final class BodyReader {
  private static final long UNTIL_CLOSE = -1;

  private final InputStream in;
  private final boolean chunked;

  /** What is left of the body, or of the current chunk. */
  private long left;

  /** True where the end of the chunk that was read is still to come. */
  private boolean withinChunk;

  private boolean ended;

  private BodyReader(InputStream in, boolean chunked, long left) {
    this.in = in;
    this.chunked = chunked;
    this.left = left;
    this.ended = !chunked && left == 0;
  }

  static BodyReader ofRequest(InputStream in, List<Header> headers) {
    return new BodyReader(in, Wire.chunked(headers), length(headers, 0));
  }

  static BodyReader ofResponse(InputStream in, List<Header> headers, boolean bodiless) {
    return bodiless
        ? new BodyReader(in, false, 0)
        : new BodyReader(in, Wire.chunked(headers), length(headers, UNTIL_CLOSE));
  }

  private static long length(List<Header> headers, long otherwise) {
    return Wire.chunked(headers)
        ? 0
        : Wire.first(headers, "Content-Length").map(Long::parseLong).orElse(otherwise);
  }

  /**
   * Reads what is there, at most to the end of the chunk.
   *
   * @return the number of bytes read, at least one; or -1 after the last
   * @throws EOFException where the connection ended before the body did
   */
  int read(byte[] into) throws IOException {
    if (ended) {
      return -1;
    }
    if (withinChunk && left == 0) {
      // only now: a server may send a chunk's end with the next chunk
      withinChunk = false;
      endOfChunk();
    }
    if (chunked && left == 0 && !nextChunk()) {
      return -1;
    }
    int most = left == UNTIL_CLOSE ? into.length : (int) Math.min(left, into.length);
    int n = in.read(into, 0, most);
    if (n < 0) {
      if (left != UNTIL_CLOSE) {
        throw new EOFException("the connection ended within a body");
      }
      ended = true;
      return -1;
    }
    if (left != UNTIL_CLOSE) {
      left -= n;
      if (left == 0 && chunked) {
        withinChunk = true;
      } else if (left == 0) {
        ended = true;
      }
    }
    return n;
  }

  /** True once the body's end was seen: its last chunk, its last byte, or the end of the stream. */
  boolean ended() {
    return ended;
  }

  private boolean nextChunk() throws IOException {
    String line = Wire.requiredLine(in);
    int extension = line.indexOf(';');
    String size = (extension < 0 ? line : line.substring(0, extension)).strip();
    try {
      left = Long.parseUnsignedLong(size, 16);
    } catch (NumberFormatException e) {
      throw new IOException("no chunk size: " + line, e);
    }
    if (left == 0) {
      Wire.headers(in);
      ended = true;
    }
    return left > 0;
  }

  private void endOfChunk() throws IOException {
    String line = Wire.requiredLine(in);
    if (!line.isEmpty()) {
      throw new IOException("a chunk longer than its size");
    }
  }
}
