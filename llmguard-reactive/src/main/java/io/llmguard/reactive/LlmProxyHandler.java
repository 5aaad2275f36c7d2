package io.llmguard.reactive;

import io.llmguard.Exchange;
import io.llmguard.reactive.internal.Conversation;
import io.llmguard.reactive.internal.ReactiveAnswer;
import io.llmguard.upstream.Proxy;
import java.util.Objects;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebHandler;
import reactor.core.publisher.Mono;

/**
 * Carries calls that a guard has admitted to their upstream, and streams the answers back.
 *
 * <p>It stands behind a {@link LlmGuardWebFilter} and answers 500 without one: nothing is forwarded
 * unguarded. In an application with a {@code DispatcherHandler}, a {@code SimpleUrlHandlerMapping}
 * leads to it. Each piece of a stream goes out before the next one is asked for; a client that
 * leaves cancels its upstream in whatever phase the call is. Thread-safe.
 */
public final class LlmProxyHandler implements WebHandler {
  private final Proxy proxy;

  /** A handler in front of this proxy, which stays its owner's to drain. */
  public LlmProxyHandler(Proxy proxy) {
    this.proxy = Objects.requireNonNull(proxy);
  }

  @Override
  public Mono<Void> handle(ServerWebExchange exchange) {
    // only when it is subscribed to: until then the guard reports how the call ends
    return Mono.defer(() -> forward(exchange));
  }

  private Mono<Void> forward(ServerWebExchange exchange) {
    Conversation conversation = Conversation.of(exchange);
    Exchange call = conversation == null ? null : conversation.exchange();
    if (conversation == null || call == null) {
      return Mono.error(
          new IllegalStateException(
              "no guard has admitted this call: put LlmGuardWebFilter before it"));
    }
    conversation.handOver();
    return ReactiveAnswer.of(proxy, call, conversation);
  }
}
