package io.llmguard.reactive.boot;

import io.llmguard.Exchange;
import io.llmguard.auth.Caller;
import io.llmguard.boot.internal.CallerAuthentication;
import io.llmguard.reactive.GuardWebFilter;
import org.springframework.core.Ordered;
import org.springframework.security.core.context.ReactiveSecurityContextHolder;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/**
 * Leaves the caller that the guard in front has admitted in the Reactor context, where Spring
 * Security looks for who is authenticated.
 */
final class CallerSecurityFilter implements WebFilter, Ordered {
  private final int order;

  CallerSecurityFilter(int order) {
    this.order = order;
  }

  @Override
  public int getOrder() {
    return order;
  }

  @Override
  public Mono<Void> filter(ServerWebExchange webExchange, WebFilterChain chain) {
    Exchange exchange = GuardWebFilter.exchange(webExchange);
    Caller caller = exchange == null ? null : exchange.caller();
    return caller == null
        ? chain.filter(webExchange)
        : chain
            .filter(webExchange)
            .contextWrite(
                ReactiveSecurityContextHolder.withAuthentication(CallerAuthentication.of(caller)));
  }
}
