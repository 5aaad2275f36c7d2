package io.llmguard.reactive.internal;

import io.llmguard.RequestBody;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The request with the body that was checked, and fields that describe that body. */
final class GuardedRequest extends ServerHttpRequestDecorator {
  private static final DataBufferFactory BUFFERS = DefaultDataBufferFactory.sharedInstance;
  private static final int PIECE = 32 << 10;

  private final Conversation conversation;
  private @Nullable HttpHeaders fields;

  GuardedRequest(Conversation conversation, ServerHttpRequest request) {
    super(request);
    this.conversation = conversation;
  }

  @Override
  public Flux<DataBuffer> getBody() {
    return Flux.defer(
        () -> {
          RequestBody body = conversation.checkedBody();
          if (body == null) {
            return Conversation.failingOnce(super.getBody())
                .doOnError(e -> conversation.bodyBroke());
          }
          if (body instanceof RequestBody.InMemory memory) {
            return Flux.just(BUFFERS.wrap(memory.content()));
          }
          return body instanceof RequestBody.Spooled spooled ? read(spooled) : Flux.empty();
        });
  }

  /** Both reading and closing a file may wait: closing does for who reads, whom it then fails. */
  private static Flux<DataBuffer> read(RequestBody.Spooled body) {
    AtomicBoolean cancelled = new AtomicBoolean();
    return DataBufferUtils.readInputStream(body::open, BUFFERS, PIECE)
        .subscribeOn(Schedulers.boundedElastic())
        .onErrorResume(e -> cancelled.get() ? Mono.empty() : Mono.error(e))
        .doOnCancel(() -> cancelled.set(true))
        .cancelOn(Schedulers.boundedElastic());
  }

  @Override
  public HttpHeaders getHeaders() {
    RequestBody body = conversation.checkedBody();
    if (body == null) {
      return super.getHeaders();
    }
    HttpHeaders known = fields;
    if (known == null) {
      known = described(super.getHeaders(), body.length());
      fields = known;
    }
    return known;
  }

  private static HttpHeaders described(HttpHeaders sent, long length) {
    HttpHeaders now = new HttpHeaders();
    sent.forEach(
        (name, values) -> {
          switch (name.toLowerCase(Locale.ROOT)) {
            case "content-length", "transfer-encoding", "content-encoding" -> {
              // how the body came, not how it is now
            }
            default -> values.forEach(value -> now.add(name, value));
          }
        });
    now.setContentLength(length);
    return HttpHeaders.readOnlyHttpHeaders(now);
  }
}
