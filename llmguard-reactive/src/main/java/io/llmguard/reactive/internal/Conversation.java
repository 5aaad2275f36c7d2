package io.llmguard.reactive.internal;

import io.llmguard.AnswerEnd;
import io.llmguard.Decision;
import io.llmguard.DecisionDeadline;
import io.llmguard.Exchange;
import io.llmguard.GuardRequest;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.RequestBody;
import java.io.IOException;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.http.server.reactive.SslInfo;
import org.springframework.web.ErrorResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.adapter.JdkFlowAdapter;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * One call between WebFlux and the guards that stand in its chain: what the server received, what
 * the chain behind the guards sees, and what is reported to the one exchange.
 */
public final class Conversation implements GuardRequest {
  private static final String ATTRIBUTE = Conversation.class.getName();

  /** Where one may block; refuses what is too much. */
  public static final Executor ELASTIC = task -> Schedulers.boundedElastic().schedule(task);

  /** The same for what must not be lost: a call that has ended, a client that has left. */
  static final Executor REPORTS =
      task -> {
        try {
          ELASTIC.execute(task);
        } catch (RejectedExecutionException e) {
          task.run();
        }
      };

  private final ServerHttpRequest rawRequest;
  private final ServerHttpResponse rawResponse;
  private final Headers headers;
  private final GuardedExchange guarded;
  private final List<Object> passed = new CopyOnWriteArrayList<>();
  private final AtomicBoolean over = new AtomicBoolean();

  private volatile boolean blocking;
  private volatile @Nullable Exchange exchange;
  private volatile @Nullable BodyReader reader;
  private volatile Sinks.@Nullable Empty<Void> stop;
  private volatile @Nullable IOException stoppedBy;
  private volatile boolean bodyAsked;
  private volatile boolean handedOver;

  /** The conversation of a call that comes to its first guard. */
  public Conversation(ServerWebExchange raw) {
    rawRequest = raw.getRequest();
    rawResponse = raw.getResponse();
    headers = new HttpFields(rawRequest.getHeaders());
    guarded = new GuardedExchange(this, raw);
    raw.getAttributes().put(ATTRIBUTE, this);
  }

  /** The conversation that an exchange belongs to, or null before any guard has seen it. */
  public static @Nullable Conversation of(ServerWebExchange exchange) {
    return exchange.getAttribute(ATTRIBUTE);
  }

  // ---- for the filters and the proxy

  /** The exchange, or null before the first guard has admitted the call. */
  public @Nullable Exchange exchange() {
    return exchange;
  }

  /** A guard has admitted the call. */
  public void admitted(Exchange value, Object guard) {
    exchange = value;
    passed.add(guard);
    HttpFields.set(rawResponse.getHeaders(), value.responseHeaders());
  }

  /** True if this guard has admitted the call already. */
  public boolean passed(Object guard) {
    return passed.contains(guard);
  }

  /** A guard of this call may block; what it is told is told where blocking is allowed. */
  public void mayBlock() {
    blocking = true;
  }

  /** Where the exchange is to be reported to: here and now, unless a guard of it may block. */
  public Executor executor() {
    return blocking ? REPORTS : Runnable::run;
  }

  /**
   * Where the chain goes on after a decision that came later: the connection's event loop, or where
   * one may block. Whatever completed the decision, it may be one of few threads of a store's or of
   * an issuer's, which an application must not hold up.
   */
  public Scheduler chainScheduler() {
    Executor eventLoop = Connections.eventLoop(rawRequest);
    return Schedulers.fromExecutor(eventLoop == null ? ELASTIC : eventLoop);
  }

  /** The exchange that the chain behind the guards sees. */
  public ServerWebExchange guarded() {
    return guarded;
  }

  ServerHttpRequest rawRequest() {
    return rawRequest;
  }

  /** The response on which nothing is reported. */
  public ServerHttpResponse rawResponse() {
    return rawResponse;
  }

  /**
   * The time for sending the body is over.
   *
   * @return true if a guard waits for the body, and decides now that it does not come
   */
  public boolean timedOut() {
    return stopReading(new SocketTimeoutException("the body did not come in time"));
  }

  private boolean stopReading(IOException cause) {
    BodyReader reading = reader;
    boolean stopped = reading != null && reading.stop(cause);
    Sinks.Empty<Void> tell = stop;
    if (tell != null) {
      stoppedBy = cause;
      stopped |= tell.tryEmitEmpty().isSuccess();
    }
    return stopped;
  }

  /** The client has left while the guards were deciding; what is decided after all is settled. */
  public void clientGone(CompletableFuture<Decision> decision) {
    executor()
        .execute(
            () -> {
              stopReading(new IOException("the client is gone"));
              DecisionDeadline.abandon(decision, Outcome.CLIENT_GONE);
            });
  }

  /** The body broke off under the application that reads it: its client has left. */
  void bodyBroke() {
    guarded.getResponse().clientLeft();
  }

  /** The proxy reports the answer and its end from here on. */
  public void handOver() {
    handedOver = true;
  }

  /** The chain behind the guards; its end is reported unless it was handed over. */
  public Mono<Void> tracked(Mono<Void> chain) {
    return chain
        .doOnSuccess(
            nothing -> ended(AnswerEnd.whole(guarded.getResponse().clientGone(), status())))
        .doOnError(failure -> ended(failed(failure)))
        .doOnCancel(() -> ended(AnswerEnd.left()));
  }

  private int status() {
    HttpStatusCode status = rawResponse.getStatusCode();
    return status == null ? 200 : status.value();
  }

  private AnswerEnd failed(Throwable failure) {
    // what an exception handler makes of it, this far outside, is the same by default
    int status = failure instanceof ErrorResponse error ? error.getStatusCode().value() : 500;
    return AnswerEnd.failed(guarded.getResponse().clientGone(), rawResponse.isCommitted(), status);
  }

  private void ended(AnswerEnd end) {
    guarded.ended();
    Exchange call = exchange;
    // which end comes first is decided here: where they are reported they may overtake each other
    if (call == null || handedOver || call.completed() || !over.compareAndSet(false, true)) {
      return;
    }
    executor()
        .execute(
            () -> {
              if (!end.clientGone() && !end.failed()) {
                guarded.getResponse().reportHead();
              }
              end.report(call);
            });
  }

  // ---- the call as it was received

  @Override
  public String method() {
    return rawRequest.getMethod().name();
  }

  /** The path within the application, which is what its handlers are found by. */
  @Override
  public String rawPath() {
    String path = rawRequest.getURI().getRawPath();
    if (path == null) {
      return "";
    }
    String application = rawRequest.getPath().contextPath().value();
    return !application.isEmpty()
            && path.startsWith(application)
            && path.startsWith("/", application.length())
        ? path.substring(application.length())
        : path;
  }

  @Override
  public @Nullable String rawQuery() {
    return rawRequest.getURI().getRawQuery();
  }

  @Override
  public @Nullable String authority() {
    return headers.first("Host");
  }

  @Override
  public boolean secure() {
    return rawRequest.getSslInfo() != null;
  }

  @Override
  public InetAddress peer() {
    return Connections.peer(rawRequest);
  }

  @Override
  public Headers headers() {
    return headers;
  }

  @Override
  public List<X509Certificate> clientCertificates() {
    SslInfo tls = rawRequest.getSslInfo();
    X509Certificate[] chain = tls == null ? null : tls.getPeerCertificates();
    return chain == null ? List.of() : List.of(chain);
  }

  @Override
  public CompletionStage<byte[]> readBody(int maxBytes) {
    askBody();
    long length = rawRequest.getHeaders().getContentLength();
    if (length > maxBytes) {
      return CompletableFuture.failedFuture(new BodyTooLargeException(maxBytes));
    }
    BodyReader reading = new BodyReader(length, maxBytes);
    reader = reading;
    rawRequest.getBody().subscribe(reading);
    // the stages behind the body go on where it has come: on the event loop
    return blocking ? reading.body().thenApplyAsync(Function.identity(), ELASTIC) : reading.body();
  }

  @Override
  public Flow.Publisher<ByteBuffer> streamBody() {
    Flux<ByteBuffer> body =
        Flux.defer(
                () -> {
                  askBody();
                  return failingOnce(rawRequest.getBody());
                })
            .map(Conversation::taken)
            .onErrorMap(BodyReader::broken);
    if (handedOver) {
      // the proxy takes the pieces as they come, and has timers of its own
      return JdkFlowAdapter.publisherToFlowPublisher(body);
    }
    // a guard may put what it reads into a file, which it deletes at the end, and has a time for it
    mayBlock();
    Sinks.Empty<Void> stopped = Sinks.empty();
    stop = stopped;
    // an end cancels what is read, where an error would leave it to nobody; the cause comes behind,
    // and both before the taker's thread, which a cancelling interrupts in the middle of a write
    return JdkFlowAdapter.publisherToFlowPublisher(
        body.takeUntilOther(stopped.asMono())
            .concatWith(Mono.defer(this::stopped))
            .doOnTerminate(() -> stop = null)
            .publishOn(Schedulers.boundedElastic(), 1));
  }

  /** Reactor Netty reports a failure once more when it lets the call go, unless it is cancelled. */
  static Flux<DataBuffer> failingOnce(Flux<DataBuffer> body) {
    AtomicReference<@Nullable Subscription> source = new AtomicReference<>();
    return body.doOnSubscribe(source::set)
        .doOnError(
            e -> {
              Subscription failed = source.get();
              if (failed != null) {
                failed.cancel();
              }
            });
  }

  private Mono<ByteBuffer> stopped() {
    IOException cause = stoppedBy;
    return cause == null ? Mono.empty() : Mono.error(cause);
  }

  /**
   * A piece in memory of its own: whoever cancels does not know whether the taker still reads, so
   * the server's memory cannot be lent.
   */
  private static ByteBuffer taken(DataBuffer piece) {
    try {
      ByteBuffer bytes = ByteBuffer.allocate(piece.readableByteCount());
      piece.toByteBuffer(bytes);
      return bytes;
    } finally {
      DataBufferUtils.release(piece);
    }
  }

  private void askBody() {
    if (bodyAsked) {
      throw new IllegalStateException("the body can be read once");
    }
    bodyAsked = true;
  }

  /** The body that the guards have read and checked, or null if it is still with the server. */
  @Nullable RequestBody checkedBody() {
    Exchange call = exchange;
    if (!bodyAsked || call == null || call.body() instanceof RequestBody.PassThrough) {
      return null;
    }
    return call.body();
  }
}
