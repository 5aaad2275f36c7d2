package io.llmguard.reactive.internal;

import io.llmguard.RequestBody;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import reactor.core.publisher.Flux;
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
          // to close a file may wait for who reads from it, as reading waits for the disk
          return body instanceof RequestBody.Spooled spooled
              ? DataBufferUtils.readInputStream(spooled::open, BUFFERS, PIECE)
                  .subscribeOn(Schedulers.boundedElastic())
                  .cancelOn(Schedulers.boundedElastic())
              : Flux.empty();
        });
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
