package io.llmguard.testkit;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A request as it reached the upstream. Thread-safe; complete when {@link ReplayUpstream} shows it.
 */
public final class ReceivedRequest {
  /** Bodies up to this size are kept; of larger ones only length and digest are. */
  public static final int KEPT_BODY = 1 << 20;

  private final int connection;
  private final String method;
  private final String target;
  private final List<Header> headers;
  private final ReceivedBody body;
  private final CompletableFuture<Cancellation> cancelled = new CompletableFuture<>();
  private final AtomicLong written = new AtomicLong();

  ReceivedRequest(
      int connection, String method, String target, List<Header> headers, ReceivedBody body) {
    this.connection = connection;
    this.method = method;
    this.target = target;
    this.headers = headers;
    this.body = body;
  }

  /** The number of the connection it came on, from 1: equal numbers are a reused connection. */
  public int connection() {
    return connection;
  }

  /** The method as sent. */
  public String method() {
    return method;
  }

  /** The request target as sent, not decoded, with its query. */
  public String target() {
    return target;
  }

  /** The headers as sent, in order and in their own case. */
  public List<Header> headers() {
    return headers;
  }

  /** The first value of a header, whatever the case of its name. */
  public Optional<String> header(String name) {
    return Wire.first(headers, name);
  }

  /** All values of a header, whatever the case of its name. */
  public List<String> headerValues(String name) {
    return Wire.values(headers, name).toList();
  }

  /** The body, or what came of it. */
  public ReceivedBody body() {
    return body;
  }

  /** The body as text. */
  public String bodyText() {
    return new String(body.bytes(), StandardCharsets.UTF_8);
  }

  /**
   * Completes when the client closed or reset the connection before its answer was finished; never
   * completes when the answer was delivered, or when the upstream itself closed.
   */
  public CompletableFuture<Cancellation> cancelled() {
    return cancelled;
  }

  /** How many bytes of the answer the upstream could write so far. */
  public long written() {
    return written.get();
  }

  void wrote(int bytes) {
    written.addAndGet(bytes);
  }

  @Override
  public String toString() {
    return method + " " + target;
  }

  /**
   * The client left.
   *
   * @param nanoTime when it was noticed, on {@link System#nanoTime()}'s clock
   * @param written how many bytes of the answer had been written
   * @param reset whether the connection was reset (RST), not closed (FIN)
   */
  public record Cancellation(long nanoTime, long written, boolean reset) {}
}
