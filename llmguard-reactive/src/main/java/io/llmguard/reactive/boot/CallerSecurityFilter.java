package io.llmguard.reactive.boot;

import io.llmguard.Exchange;
import io.llmguard.auth.Caller;
import io.llmguard.reactive.GuardWebFilter;
import java.util.List;
import org.springframework.core.Ordered;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.core.context.ReactiveSecurityContextHolder;
import org.springframework.security.web.authentication.preauth.PreAuthenticatedAuthenticationToken;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/**
 * Leaves the caller that the guard in front has admitted in the Reactor context, where Spring
 * Security looks for who is authenticated.
 *
 * <p>The principal is the {@link Caller}; it has an authority {@code SCOPE_…} for each of its
 * scopes.
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
            .contextWrite(ReactiveSecurityContextHolder.withAuthentication(authentication(caller)));
  }

  private static Authentication authentication(Caller caller) {
    List<SimpleGrantedAuthority> authorities =
        caller.scopes().stream()
            .map(scope -> new SimpleGrantedAuthority("SCOPE_" + scope.word()))
            .toList();
    // no credential: what the caller showed is nobody's business behind the guard
    return new PreAuthenticatedAuthenticationToken(caller, "", authorities);
  }
}
