package io.llmguard.upstream;

/**
 * Carries calls to upstream servers over HTTP; the choice of an HTTP client stands behind it.
 *
 * <p>Implementations are thread-safe, keep connections for further calls, never follow a redirect,
 * never decode a content coding, and add no credential of their own.
 */
public interface UpstreamTransport extends AutoCloseable {
  /**
   * A transport of the best kind that is at hand: {@link io.llmguard.upstream.jetty.JettyTransport}
   * where Jetty's client is on the class path, else {@link JdkTransport}.
   */
  static UpstreamTransport create(TransportSettings settings) {
    try {
      Class.forName(
          "org.eclipse.jetty.client.HttpClient", false, UpstreamTransport.class.getClassLoader());
    } catch (ClassNotFoundException | LinkageError e) {
      return new JdkTransport(settings);
    }
    return new io.llmguard.upstream.jetty.JettyTransport(settings);
  }

  /**
   * Sends a request and reports the answer to {@code handler}, on any thread, one call after the
   * other. It neither blocks nor throws: what fails is reported.
   */
  UpstreamCall send(UpstreamRequest request, ResponseHandler handler);

  /** Cancels what is under way and closes every connection. */
  @Override
  void close();

  /** A request under way. */
  interface UpstreamCall {
    /**
     * Ends the call at once, in whatever phase it is: the connection is closed (HTTP/1.1) or the
     * stream reset (HTTP/2), so that the upstream sees it. After this the handler hears at most one
     * {@link ResponseHandler#onFailure}. Idempotent; any thread may call it.
     */
    void cancel();
  }

  /** Hears an answer. */
  interface ResponseHandler {
    /** The final status and its fields; interim answers (1xx) are not reported. */
    void onHead(int status, io.llmguard.Headers headers);

    /**
     * A piece of the body, as it came off the wire less its framing.
     *
     * @param chunk readable until {@code consumed} has run, and not afterwards
     * @param consumed asks for the next piece or for the end; nothing more comes until it has run.
     *     Any thread may run it, also before this method returns
     */
    void onBytes(java.nio.ByteBuffer chunk, Runnable consumed);

    /** The body is whole, as far as HTTP's framing tells. */
    void onEnd();

    /** The call failed; nothing more is heard. */
    void onFailure(UpstreamFailure failure);
  }
}
