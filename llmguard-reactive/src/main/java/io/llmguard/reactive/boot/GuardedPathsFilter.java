package io.llmguard.reactive.boot;

import io.llmguard.reactive.GuardWebFilter;
import java.util.List;
import org.springframework.core.Ordered;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/**
 * Leads the calls of some paths through a guard's filter, and the others past it.
 *
 * <p>A path counts by what its segments mean, as it does for the framework that looks for its
 * handler: decoded, and without parameters; empty and dot segments are the guard's to judge.
 */
final class GuardedPathsFilter implements WebFilter, Ordered {
  private final GuardWebFilter filter;
  private final List<String> prefixes;
  private final int order;

  GuardedPathsFilter(GuardWebFilter filter, List<String> prefixes, int order) {
    this.filter = filter;
    this.prefixes = List.copyOf(prefixes);
    this.order = order;
  }

  @Override
  public int getOrder() {
    return order;
  }

  @Override
  public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    return guarded(exchange) ? filter.filter(exchange, chain) : chain.filter(exchange);
  }

  private boolean guarded(ServerWebExchange exchange) {
    String path = meaning(exchange);
    for (String prefix : prefixes) {
      if (path.startsWith(prefix)) {
        return true;
      }
    }
    return false;
  }

  /** The path as handlers are found by it, with a slash at its end. */
  private static String meaning(ServerWebExchange exchange) {
    StringBuilder path = new StringBuilder("/");
    exchange
        .getRequest()
        .getPath()
        .pathWithinApplication()
        .elements()
        .forEach(
            element -> {
              if (element
                  instanceof org.springframework.http.server.PathContainer.PathSegment segment) {
                path.append(segment.valueToMatch()).append('/');
              }
            });
    return path.toString();
  }
}
