package io.llmguard.reactive.internal;

import io.llmguard.Exchange;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.upstream.ClientResponse;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.Proxy.ProxiedCall;
import java.io.EOFException;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.server.reactive.ServerHttpResponse;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * The client's side of a proxied call on WebFlux.
 *
 * <p>A small answer of known length is collected and goes out as one. Any other goes out piece by
 * piece, see {@link Pieces}. Whoever cancels the answer is the client that has left. The lock keeps
 * the two sides apart; neither is called with it held.
 */
public final class ReactiveAnswer implements ClientResponse {
  /** The longest answer that is collected. */
  private static final int SMALL = 32 << 10;

  private final Executor executor;
  private final ServerHttpResponse response;
  private final boolean head;
  private final Sinks.One<Mono<Void>> writing = Sinks.one();
  private final Sinks.Empty<Void> cutting = Sinks.empty();

  // guarded by this
  private @Nullable ProxiedCall call;
  private long length = -1;
  private @Nullable ByteBuffer small;
  private @Nullable Pieces pieces;
  private boolean gone;
  private boolean over;

  private ReactiveAnswer(Conversation conversation) {
    executor = conversation.executor();
    response = conversation.rawResponse();
    head = conversation.rawRequest().getMethod().equals(HttpMethod.HEAD);
  }

  /** Forwards an admitted call; ends when its answer has been written. */
  public static Mono<Void> of(Proxy proxy, Exchange exchange, Conversation conversation) {
    return Mono.defer(
        () -> {
          ReactiveAnswer answer = new ReactiveAnswer(conversation);
          try {
            answer.begin(proxy.forward(exchange, answer));
          } catch (RuntimeException | Error e) {
            // the guard reports nothing any more: the call was handed over
            conversation.executor().execute(() -> exchange.onComplete(Outcome.UPSTREAM_FAILED));
            throw e;
          }
          return answer
              .writing
              .asMono()
              .flatMap(Function.identity())
              .onErrorMap(answer::ofClient)
              .takeUntilOther(answer.cutting.asMono())
              // a write to a client that has left may even succeed
              .doOnTerminate(answer::clientLeft)
              .doOnCancel(answer::clientLeft);
        });
  }

  /**
   * Reactor Netty fails in many ways on a connection that is no more; Spring logs the rare ones.
   */
  private Throwable ofClient(Throwable failure) {
    return Connections.closed(response) ? new EOFException("the client is gone") : failure;
  }

  private void begin(ProxiedCall proxied) {
    boolean left;
    synchronized (this) {
      call = proxied;
      left = gone;
    }
    if (left) {
      Conversation.REPORTS.execute(proxied::clientGone);
    }
  }

  // ---- the proxy's side

  @Override
  public synchronized void head(int status, Headers headers) {
    if (over) {
      return;
    }
    response.setStatusCode(HttpStatusCode.valueOf(status));
    HttpFields.set(response.getHeaders(), headers);
    length = headers.contentLength();
  }

  @Override
  public void write(ByteBuffer chunk, boolean flush, WriteCallback written) {
    Pieces stream;
    boolean begins = false;
    synchronized (this) {
      if (over || gone) {
        stream = null;
      } else if (pieces == null && length >= 0 && length <= SMALL && !flush) {
        collect(chunk);
        stream = null;
      } else {
        begins = pieces == null;
        stream = begins ? begin() : pieces;
      }
    }
    if (stream != null) {
      stream.write(chunk, written);
      if (begins) {
        writing.tryEmitValue(response.writeAndFlushWith(stream));
      }
    } else if (over()) {
      written.failed(new EOFException("the client is gone"));
    } else {
      written.written();
    }
  }

  private void collect(ByteBuffer chunk) {
    ByteBuffer buffer = small;
    if (buffer == null) {
      // not of the server's pool: a client that leaves just now would leave it to nobody
      buffer = ByteBuffer.allocate((int) length);
      small = buffer;
    }
    buffer.put(chunk);
  }

  private Pieces begin() {
    Pieces begun = new Pieces(response.bufferFactory(), executor);
    pieces = begun;
    return begun;
  }

  private synchronized boolean over() {
    return over || gone;
  }

  @Override
  public void end() {
    ByteBuffer whole;
    Pieces stream;
    synchronized (this) {
      if (over) {
        return;
      }
      over = true;
      whole = small;
      stream = pieces;
    }
    if (stream != null) {
      stream.end();
    } else if (whole != null && !head) {
      whole.flip();
      writing.tryEmitValue(
          response.writeWith(Mono.fromSupplier(() -> response.bufferFactory().wrap(whole))));
    } else {
      writing.tryEmitValue(response.setComplete());
    }
  }

  @Override
  public void abort() {
    ByteBuffer part;
    Pieces stream = null;
    synchronized (this) {
      if (over) {
        return;
      }
      over = true;
      part = small;
      if (part != null) {
        stream = begin();
      }
    }
    if (stream == null || part == null) {
      cut();
    } else {
      // the client is to see that something was there
      stream.write(response.bufferFactory().wrap(part.flip()), this::cut);
      writing.tryEmitValue(response.writeAndFlushWith(stream));
    }
  }

  private void cut() {
    if (!Connections.cut(response)) {
      // no kind of exception that Spring takes for a client's leaving: it would end the answer
      cutting.tryEmitError(new IllegalStateException("the answer broke off"));
    }
  }

  // ---- the server's side

  /** Nothing can be written any more; if the answer has not ended, its client has left. */
  private void clientLeft() {
    ProxiedCall proxied;
    Pieces stream;
    synchronized (this) {
      if (gone) {
        return;
      }
      gone = true;
      proxied = over ? null : call;
      over = true;
      stream = pieces;
    }
    if (stream != null) {
      stream.stop();
    }
    if (proxied != null) {
      // elsewhere, because to close a connection to an upstream may wait for who reads from it
      Conversation.REPORTS.execute(proxied::clientGone);
    }
  }
}
