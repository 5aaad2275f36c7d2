package io.llmguard.upstream;

import io.llmguard.Exchange;
import java.util.List;

/** Chooses the upstream of an admitted call. */
@FunctionalInterface
public interface UpstreamRouter {
  /** Kept as true with a call that may not go to another model than the one that it asks for. */
  Exchange.Key<Boolean> NO_FALLBACK = new Exchange.Key<>("no-fallback", Boolean.class);

  /** Where the call goes. Does not block; any thread may ask. */
  Route route(Exchange exchange);

  /**
   * Where the call goes after attempts that failed, of which its client has seen nothing. Does not
   * block.
   *
   * @param tried the attempts, in order
   * @param retriesLeft true if the same model may be tried again; else only another one
   * @return a route to an upstream, perhaps later; anything else lets the last failure stand, a
   *     {@link Route.Nowhere} also where it comes later
   */
  default Route again(Exchange exchange, List<Route.To> tried, boolean retriesLeft) {
    return retriesLeft ? route(exchange) : new Route.Nowhere();
  }

  /** True if there may be another model for the call, once the retries for one are used up. */
  default boolean hasFallback(Exchange exchange, List<Route.To> tried) {
    return false;
  }

  /** A router that knows one upstream. */
  static UpstreamRouter to(Upstream upstream) {
    return exchange -> new Route.To(upstream, exchange.body());
  }
}
