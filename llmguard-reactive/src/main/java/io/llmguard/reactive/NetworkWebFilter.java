package io.llmguard.reactive;

import io.llmguard.StandardGuard.Place;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.network.NetworkStage;

/** Lets calls in by the caller's address. */
public final class NetworkWebFilter extends GuardWebFilter {
  /** A filter that judges by this stage, by the peer's address or what a filter before found. */
  public NetworkWebFilter(NetworkStage stage) {
    super(Place.NETWORK, stage);
  }

  /** The same, which takes these proxies' word for the caller's address. */
  public NetworkWebFilter(NetworkStage stage, ClientAddressResolver proxies) {
    super(proxies, Place.NETWORK, stage);
  }
}
