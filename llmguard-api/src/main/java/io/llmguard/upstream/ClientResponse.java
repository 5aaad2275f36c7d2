package io.llmguard.upstream;

import io.llmguard.Headers;
import java.nio.ByteBuffer;

/**
 * The client's side of a proxied call, as an adapter provides it; it obeys and decides nothing.
 *
 * <p>{@link Proxy} calls it from one thread at a time, and never before the last write was
 * acknowledged.
 */
public interface ClientResponse {
  /** Sets status and fields; nothing has to go out yet. */
  void head(int status, Headers headers);

  /**
   * Writes a piece of the body.
   *
   * @param chunk readable until {@code written} was called
   * @param flush true if it must reach the client now; false if it may wait for what comes next
   * @param written told once the next piece may come, on any thread, also before this returns
   */
  void write(ByteBuffer chunk, boolean flush, WriteCallback written);

  /** Ends the answer as whole. */
  void end();

  /**
   * Ends the answer so that the client sees it broken: the connection is cut, or the stream reset,
   * without the framing's end. It may come while a write is under way, for a client that does not
   * read.
   */
  void abort();

  /** Told how a write went. */
  interface WriteCallback {
    /** The piece was taken. */
    void written();

    /** The client is gone; no further write can succeed. */
    void failed(Throwable cause);
  }
}
