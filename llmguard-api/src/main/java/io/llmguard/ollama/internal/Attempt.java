package io.llmguard.ollama.internal;

import io.llmguard.ollama.OllamaException;
import java.io.ByteArrayOutputStream;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** One exchange with one server: from the transport's callbacks to the call's. */
final class Attempt {
  /** Pieces of body that the transport may be ahead of the reader, 16 KiB each. */
  private static final int WINDOW = 8;

  /** Pieces that are asked for at once: each time wakes the transport's thread. */
  private static final int BATCH = WINDOW / 2;

  private static final int LONGEST_ERROR = 64 * 1024;

  private final LiveCall<?, ?> call;
  private final int number;
  private final int server;
  private final AtomicReference<Flow.@Nullable Subscription> subscription = new AtomicReference<>();
  private final AtomicBoolean cancelled = new AtomicBoolean();
  private volatile @Nullable CompletableFuture<?> exchange;
  private volatile boolean head;
  private int taken;
  private volatile boolean over;

  Attempt(LiveCall<?, ?> call, int number, int server) {
    this.call = call;
    this.number = number;
    this.server = server;
  }

  int number() {
    return number;
  }

  int server() {
    return server;
  }

  /** Whether the exchange came to its end by itself. */
  boolean over() {
    return over;
  }

  void send() {
    Transport transport = call.transport();
    try {
      HttpRequest request =
          transport.request(call.spec(), transport.server(server), call.observed().headers());
      CompletableFuture<?> sent = transport.http().sendAsync(request, this::answer);
      exchange = sent;
      CompletableFuture<?> unused = sent.whenComplete(this::sent);
      if (cancelled.get()) {
        sent.cancel(true);
      }
    } catch (RuntimeException e) {
      over = true;
      call.completed(this, Errors.beforeHead(e, transport.server(server)));
    }
  }

  private void sent(@Nullable Object response, @Nullable Throwable failure) {
    if (failure == null || head || cancelled.get()) {
      return;
    }
    over = true;
    OllamaException known = Errors.beforeHead(failure, call.transport().server(server));
    boolean nothingDone =
        known instanceof OllamaException.Unreachable || known instanceof OllamaException.TimedOut;
    call.failedEarly(this, known, nothingDone);
  }

  private BodySubscriber<Boolean> answer(ResponseInfo info) {
    head = true;
    if (info.statusCode() / 100 == 2) {
      call.transport().worked(server);
      return new Body();
    }
    return new ErrorBody(info.statusCode(), info.headers());
  }

  /** The reader, one at a time, has taken one piece: another may come. */
  void taken() {
    taken++;
    Flow.Subscription current = subscription.get();
    if (taken == BATCH && current != null) {
      taken = 0;
      current.request(BATCH);
    }
  }

  void cancel() {
    if (!cancelled.compareAndSet(false, true)) {
      return;
    }
    // the future first: it closes the connection, which a cancelled subscription forgets to do
    // where its own reader is just at work
    CompletableFuture<?> sent = exchange;
    if (sent != null) {
      sent.cancel(true);
    }
    Flow.Subscription current = subscription.get();
    if (current != null) {
      current.cancel();
    }
  }

  private void subscribed(Flow.Subscription given, long window) {
    subscription.set(given);
    if (cancelled.get()) {
      given.cancel();
    } else {
      given.request(window);
    }
  }

  /** The body of a good answer. */
  private final class Body implements BodySubscriber<Boolean> {
    private final CompletableFuture<Boolean> end = new CompletableFuture<>();

    @Override
    public CompletionStage<Boolean> getBody() {
      return end;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscribed(given, WINDOW);
    }

    @Override
    public void onNext(List<ByteBuffer> item) {
      call.received(Attempt.this, item);
    }

    @Override
    public void onError(Throwable failure) {
      over = true;
      end.complete(false);
      call.completed(Attempt.this, Errors.afterHead(failure));
    }

    @Override
    public void onComplete() {
      over = true;
      end.complete(true);
      call.completed(Attempt.this, null);
    }
  }

  /** The body of a refusal: read up to a bound, then the call fails. */
  private final class ErrorBody implements BodySubscriber<Boolean> {
    private final int status;
    private final HttpHeaders headers;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    ErrorBody(int status, HttpHeaders headers) {
      this.status = status;
      this.headers = headers;
    }

    @Override
    public CompletionStage<Boolean> getBody() {
      return CompletableFuture.completedFuture(true);
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscribed(given, Long.MAX_VALUE);
    }

    @Override
    public void onNext(List<ByteBuffer> item) {
      for (ByteBuffer buffer : item) {
        byte[] piece = new byte[Math.min(buffer.remaining(), LONGEST_ERROR - bytes.size())];
        buffer.get(piece);
        bytes.writeBytes(piece);
      }
      if (bytes.size() >= LONGEST_ERROR) {
        Flow.Subscription current = subscription.get();
        if (current != null) {
          current.cancel();
        }
        failed();
      }
    }

    @Override
    public void onError(Throwable failure) {
      failed();
    }

    @Override
    public void onComplete() {
      failed();
    }

    private void failed() {
      if (over) {
        return;
      }
      over = true;
      call.failedEarly(
          Attempt.this,
          Errors.status(
              status, headers, bytes.toByteArray(), call.transport().settings().time().now()),
          false);
    }
  }
}
