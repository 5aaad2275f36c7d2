package io.llmguard.upstream;

import io.llmguard.Exchange;

/** Chooses the upstream of an admitted call. */
@FunctionalInterface
public interface UpstreamRouter {
  /** Where the call goes. Does not block; any thread may ask. */
  Route route(Exchange exchange);

  /** A router that knows one upstream. */
  static UpstreamRouter to(Upstream upstream) {
    return exchange -> new Route.To(upstream, exchange.body());
  }
}
