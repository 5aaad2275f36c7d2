package io.llmguard.upstream.internal;

import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import io.llmguard.upstream.UpstreamFailure.Kind;
import io.llmguard.upstream.UpstreamRequest;
import io.llmguard.upstream.UpstreamTransport.ResponseHandler;
import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.UnresolvedAddressException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** A call over the JDK's client. */
public final class JdkCall extends TransportCall implements HttpResponse.BodySubscriber<Void> {
  private final HttpClient client;
  private final ConnectionGate gate;
  private final Runnable start = this::start;
  private volatile @Nullable CompletableFuture<HttpResponse<Void>> future;
  private volatile Flow.@Nullable Subscription subscription;
  private volatile boolean aborted;
  private @Nullable List<ByteBuffer> pieces;
  private int next;
  private final Object bodyLock = new Object();
  private boolean delivering; // guarded by bodyLock
  private boolean complete; // guarded by bodyLock
  private volatile @Nullable JdkBody body;
  private boolean keepsAlive;
  private boolean mayBeStale;

  /** A call that has not begun. */
  public JdkCall(
      HttpClient client,
      ConnectionGate gate,
      UpstreamRequest request,
      ResponseHandler handler,
      Deadlines deadlines) {
    super(request, handler, deadlines);
    this.client = client;
    this.gate = gate;
  }

  /** Begins as soon as the gate lets it. */
  public void begin() {
    gate.enter(start);
  }

  private void start() {
    if (ended()) {
      return; // it left the gate when it ended
    }
    connected(); // from here the client itself watches the time to connect
    mayBeStale = gate.takeKept();
    send();
  }

  private void send() {
    sending();
    HttpRequest message;
    try {
      message = message();
    } catch (IOException e) {
      fail(Kind.REQUEST_BODY, "the body's file cannot be read");
      return;
    } catch (IllegalArgumentException e) {
      // its message may hold the value of a header
      fail(Kind.CONNECT, "the request cannot be expressed in HTTP");
      return;
    }
    if (request().content() instanceof UpstreamRequest.Content.None) {
      requestSent();
    }
    CompletableFuture<HttpResponse<Void>> sent = client.sendAsync(message, this::onHead);
    future = sent;
    // no call that has ended well is cancelled: its connection may be another one's by now
    if (aborted) {
      sent.cancel(true);
    }
    var unused =
        sent.whenComplete(
            (response, failure) -> {
              if (failure != null) {
                Throwable cause = failure.getCause();
                onSendFailure(
                    failure instanceof CompletionException && cause != null ? cause : failure);
              }
            });
  }

  private HttpRequest message() throws IOException {
    UpstreamRequest request = request();
    HttpRequest.Builder builder = HttpRequest.newBuilder(request.uri());
    boolean[] agent = new boolean[1];
    request
        .headers()
        .forEach(
            (name, value) -> {
              agent[0] |= name.equalsIgnoreCase("User-Agent");
              builder.header(name, value);
            });
    if (!agent[0]) {
      builder.header("User-Agent", ""); // the only way to keep the client from sending its own
    }
    JdkBody publisher =
        JdkBody.of(
            request.content(),
            this::requestSent,
            this::bodyBroke,
            client.executor().orElse(Runnable::run));
    body = publisher;
    return builder
        .method(
            request.method(), publisher == null ? HttpRequest.BodyPublishers.noBody() : publisher)
        .build();
  }

  private void bodyBroke(IOException e) {
    String detail = e.getMessage();
    failAndAbort(Kind.REQUEST_BODY, detail == null ? "the request's body broke off" : detail);
  }

  private HttpResponse.BodySubscriber<Void> onHead(HttpResponse.ResponseInfo info) {
    Headers headers = new JdkHeaders(info.headers());
    String connection = headers.first("Connection");
    keepsAlive = !"close".equalsIgnoreCase(connection);
    head(info.statusCode(), headers);
    return this;
  }

  private void onSendFailure(Throwable failure) {
    if (failure instanceof HttpConnectTimeoutException) {
      fail(Kind.CONNECT_TIMEOUT, "no connection within the connect time-out");
    } else if (failure instanceof ConnectException
        || failure instanceof UnresolvedAddressException
        || failure instanceof SSLException) {
      fail(Kind.CONNECT, failure.getClass().getSimpleName());
    } else if (isStale(failure)) {
      gate.forgetKept();
      send();
    } else {
      fail(headSeen() ? Kind.AFTER_HEAD : Kind.BEFORE_HEAD, failure.getClass().getSimpleName());
    }
  }

  /**
   * True if a kept connection turned out to be closed. The client does not say whether it took a
   * kept one; the gate knows whether there may have been one.
   */
  private boolean isStale(Throwable failure) {
    return mayBeStale && saysNoByteCame(failure) && repeats();
  }

  private static boolean saysNoByteCame(Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      String message = t.getMessage();
      if (t instanceof ClosedChannelException
          || (message != null && message.contains("received no bytes"))) {
        return true;
      }
      if (message != null && message.contains("parsing HTTP")) {
        return false; // a part of a head came
      }
    }
    return false;
  }

  // ---- the body of the answer

  @Override
  public CompletionStage<Void> getBody() {
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public void onSubscribe(Flow.Subscription value) {
    subscription = value;
    if (ended()) {
      value.cancel();
    } else {
      value.request(1);
    }
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    pieces = buffers;
    next = 0;
    synchronized (bodyLock) {
      delivering = true;
    }
    pump();
  }

  @Override
  protected @Nullable ByteBuffer poll() {
    List<ByteBuffer> buffers = pieces;
    while (buffers != null && next < buffers.size()) {
      ByteBuffer buffer = buffers.get(next++);
      if (buffer.hasRemaining()) {
        return buffer;
      }
    }
    pieces = null;
    boolean over;
    synchronized (bodyLock) {
      delivering = false;
      over = complete;
    }
    Flow.Subscription source = subscription;
    if (over) {
      bodyEnd();
    } else if (source != null) {
      source.request(1);
    }
    return null;
  }

  @Override
  protected void release() {}

  @Override
  public void onError(Throwable failure) {
    fail(failure);
  }

  /** The client says so as soon as it knows, whether or not the pieces before were taken. */
  @Override
  public void onComplete() {
    synchronized (bodyLock) {
      complete = true;
      if (delivering) {
        return; // poll sees it after the last piece
      }
    }
    bodyEnd();
  }

  private void bodyEnd() {
    JdkBody sending = body;
    if (sending != null && !sending.finished()) {
      // the answer came before the request was read: what is left must not reach the next answer
      keepsAlive = false;
      end();
      abort();
      return;
    }
    end();
  }

  @Override
  protected void finished() {
    JdkBody sending = body;
    if (sending != null) {
      sending.cancel();
    }
    if (keepsAlive) {
      gate.keep();
    }
    gate.leave(start);
  }

  @Override
  protected void abort() {
    aborted = true;
    CompletableFuture<HttpResponse<Void>> sent = future;
    if (sent != null) {
      sent.cancel(true);
    }
    Flow.Subscription source = subscription;
    if (source != null) {
      source.cancel();
    }
  }

  /** A view of the JDK's fields. */
  private record JdkHeaders(java.net.http.HttpHeaders fields) implements Headers {
    @Override
    public @Nullable String first(String name) {
      return fields.firstValue(name).orElse(null);
    }

    @Override
    public List<String> all(String name) {
      return fields.allValues(name);
    }

    @Override
    public void forEach(java.util.function.BiConsumer<String, String> action) {
      fields.map().forEach((name, values) -> values.forEach(value -> action.accept(name, value)));
    }

    @Override
    public String toString() {
      return HeaderMap.copyOf(this).toString();
    }
  }
}
