package io.llmguard.reactive;

import io.llmguard.StandardGuard.Place;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.network.TransportStage;

/** Refuses or redirects plain HTTP, and calls for hosts that are not this one; announces HSTS. */
public final class TransportWebFilter extends GuardWebFilter {
  /** A filter that judges by this stage. */
  public TransportWebFilter(TransportStage stage) {
    super(Place.TRANSPORT, stage);
  }

  /** The same, which takes these proxies' word for whether a call came by TLS. */
  public TransportWebFilter(TransportStage stage, ClientAddressResolver proxies) {
    super(proxies, Place.TRANSPORT, stage);
  }
}
