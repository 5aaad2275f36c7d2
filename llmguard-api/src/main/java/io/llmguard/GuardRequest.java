package io.llmguard;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * A call as an adapter received it, before anything was decided.
 *
 * <p>Everything here is what the peer really sent: an adapter resolves no proxy header, decodes no
 * path and reads no body on its own. No method blocks.
 */
public interface GuardRequest {
  /** The method, in the case in which it was sent. */
  String method();

  /** The path of the request target, undecoded, as it stood on the wire; {@code *} for OPTIONS. */
  String rawPath();

  /** The query of the request target without its question mark, undecoded, or null. */
  @Nullable String rawQuery();

  /** {@code Host} or {@code :authority} as sent, or null when there was none. */
  @Nullable String authority();

  /** True if the connection itself is TLS; says nothing about a proxy in front. */
  boolean secure();

  /** The address at the other end of the connection; a proxy's, where one stands in front. */
  InetAddress peer();

  /** The header fields. */
  Headers headers();

  /** The client's certificate chain, verified by the container, leaf first; empty without one. */
  List<X509Certificate> clientCertificates();

  /**
   * Reads the whole body, once.
   *
   * <p>An adapter that has the body at hand answers a completed stage. The stage fails with {@link
   * BodyTooLargeException} as soon as more than {@code maxBytes} are announced or have come, and
   * with {@link java.io.IOException} when the client goes away while sending.
   *
   * @param maxBytes the largest body to take, in bytes as sent on the wire
   */
  CompletionStage<byte[]> readBody(int maxBytes);

  /**
   * The body as it comes, for what is too long to stand in memory.
   *
   * <p>One subscriber, once, and not beside {@link #readBody}. A buffer may be used again by the
   * publisher once the subscriber has asked for the next one. Ends with {@link java.io.IOException}
   * when the client goes away while sending; cancelling stops the reading.
   */
  Flow.Publisher<ByteBuffer> streamBody();

  /** The body was, or announces itself, larger than allowed. */
  final class BodyTooLargeException extends Exception {
    private static final long serialVersionUID = 1L;

    private final long limit;

    /** A body larger than {@code limit} bytes. */
    public BodyTooLargeException(long limit) {
      super("the request body is larger than " + limit + " bytes", null, false, false);
      this.limit = limit;
    }

    /** The limit in bytes. */
    public long limit() {
      return limit;
    }
  }
}
