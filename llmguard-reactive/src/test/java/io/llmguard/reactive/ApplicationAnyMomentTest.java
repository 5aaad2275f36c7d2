package io.llmguard.reactive;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llmguard.Guard;
import io.llmguard.testkit.AnyMomentContract;
import io.llmguard.upstream.Proxy;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.MediaType;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The same where an application of its own stands behind the guard: it reads, and then streams. */
@Tag("server")
class ApplicationAnyMomentTest extends AnyMomentContract {
  private static final byte[] PIECE =
      "{\"message\":{\"content\":\"x\"},\"done\":false}\n".getBytes(UTF_8);

  @Override
  protected Server start(Guard guard, Proxy proxy) {
    NettyServer server =
        NettyServer.start(
            ApplicationAnyMomentTest::answer,
            new LlmGuardWebFilter(guard).bodyDeadline(BODY_DEADLINE));
    return Gateway.closing(server, () -> {});
  }

  private static Mono<Void> answer(ServerWebExchange exchange) {
    DataBufferFactory buffers = exchange.getResponse().bufferFactory();
    exchange.getResponse().getHeaders().setContentType(MediaType.APPLICATION_NDJSON);
    return exchange
        .getRequest()
        .getBody()
        .doOnNext(DataBufferUtils::release)
        .then(
            exchange
                .getResponse()
                .writeAndFlushWith(
                    Flux.range(0, 8)
                        .delayElements(Duration.ofNanos(100_000))
                        .map(i -> Flux.just(buffers.wrap(PIECE)))));
  }
}
