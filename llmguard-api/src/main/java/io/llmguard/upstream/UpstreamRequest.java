package io.llmguard.upstream;

import io.llmguard.Headers;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.Flow;

/**
 * A request as it goes to an upstream.
 *
 * @param method the method
 * @param uri where it goes: scheme, host, port, path and query
 * @param headers the fields to send; a transport adds {@code Host}, {@code Content-Length} or
 *     {@code Transfer-Encoding} itself and takes none of them from here
 * @param content the body
 * @param timeouts how long each phase may take
 * @param repeatable true if a transport may send it once more where a kept connection turned out to
 *     be closed: the server may then see it twice
 */
public record UpstreamRequest(
    String method,
    URI uri,
    Headers headers,
    Content content,
    UpstreamTimeouts timeouts,
    boolean repeatable) {
  /** A request that may be sent once more. */
  public UpstreamRequest(
      String method, URI uri, Headers headers, Content content, UpstreamTimeouts timeouts) {
    this(method, uri, headers, content, timeouts, true);
  }

  /** The body of a request. */
  public sealed interface Content {
    /** No body and no framing for one. */
    record None() implements Content {}

    /**
     * A body in memory.
     *
     * @param bytes the bytes, from position to limit; read through a duplicate
     */
    record Bytes(ByteBuffer bytes) implements Content {}

    /**
     * A body in a file.
     *
     * @param file the file
     * @param length its length in bytes
     */
    record InFile(Path file, long length) implements Content {}

    /**
     * A body that comes while it is sent, in constant memory.
     *
     * @param source its bytes; subscribed to once, cancelled when the call ends early; a buffer may
     *     be used again by the source once the next one was asked for
     * @param length its length in bytes, or -1 for chunked framing
     */
    record Streamed(Flow.Publisher<ByteBuffer> source, long length) implements Content {}
  }
}
