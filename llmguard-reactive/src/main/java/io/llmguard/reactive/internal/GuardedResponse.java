package io.llmguard.reactive.internal;

import io.llmguard.Exchange;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.http.server.reactive.ServerHttpResponseDecorator;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The answer as the chain behind the guards writes it; its bytes are reported as they pass. */
final class GuardedResponse extends ServerHttpResponseDecorator {
  private final Conversation conversation;
  private boolean headReported;
  private volatile boolean clientGone;

  GuardedResponse(Conversation conversation, ServerHttpResponse response) {
    super(response);
    this.conversation = conversation;
  }

  /** Reports the head unless it was. */
  void reportHead() {
    Exchange exchange = conversation.exchange();
    if (!headReported && exchange != null) {
      headReported = true;
      HttpStatusCode status = getDelegate().getStatusCode();
      exchange.onResponseHead(
          status == null ? 200 : status.value(), new HttpFields(getDelegate().getHeaders()));
    }
  }

  /** True if the client has left before it was given all that the application wrote. */
  boolean clientGone() {
    return clientGone;
  }

  /** The client has left, whatever becomes of the answer. */
  void clientLeft() {
    clientGone = true;
  }

  @Override
  public Mono<Void> writeWith(Publisher<? extends DataBuffer> body) {
    Writing writing = new Writing();
    Publisher<DataBuffer> reported =
        body instanceof Mono<? extends DataBuffer> one
            ? one.<DataBuffer>map(this::reported)
                .doOnSuccess(last -> writing.end())
                .doOnError(writing::broken)
                .doOnCancel(writing::cancelled)
            : reported(body, writing).doOnComplete(writing::end).doOnCancel(writing::cancelled);
    return getDelegate().writeWith(reported).doOnError(writing::failed);
  }

  @Override
  public Mono<Void> writeAndFlushWith(Publisher<? extends Publisher<? extends DataBuffer>> groups) {
    Writing writing = new Writing();
    return getDelegate()
        .writeAndFlushWith(
            Flux.from(groups)
                .map(group -> reported(group, writing))
                .doOnComplete(writing::end)
                .doOnError(writing::broken)
                .doOnCancel(writing::cancelled))
        .doOnError(writing::failed);
  }

  private Flux<DataBuffer> reported(Publisher<? extends DataBuffer> body, Writing writing) {
    return Flux.<DataBuffer>from(body).map(this::reported).doOnError(writing::broken);
  }

  private DataBuffer reported(DataBuffer bytes) {
    reportHead();
    Exchange exchange = conversation.exchange();
    if (exchange != null) {
      try (DataBuffer.ByteBufferIterator pieces = bytes.readableByteBuffers()) {
        while (pieces.hasNext()) {
          exchange.onResponseBytes(pieces.next());
        }
      }
    }
    return bytes;
  }

  /**
   * Tells the application's failures from the client's: a server that wants no more of what has not
   * ended, or fails by itself, has lost its client, even where it calls the write a success.
   */
  private final class Writing {
    private volatile boolean ended;
    private volatile @Nullable Throwable failure;

    void end() {
      ended = true;
    }

    void broken(Throwable cause) {
      ended = true;
      failure = cause;
    }

    void cancelled() {
      if (!ended) {
        clientGone = true;
      }
    }

    void failed(Throwable cause) {
      if (cause != failure) {
        clientGone = true;
      }
    }
  }
}
