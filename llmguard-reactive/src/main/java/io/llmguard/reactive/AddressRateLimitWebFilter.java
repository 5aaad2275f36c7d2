package io.llmguard.reactive;

import io.llmguard.StandardGuard.Place;
import io.llmguard.limit.AddressRateLimitStage;
import io.llmguard.network.ClientAddressResolver;

/** Limits the calls of each address over time. */
public final class AddressRateLimitWebFilter extends GuardWebFilter {
  /** A filter that limits by this stage, by the peer's address or what a filter before found. */
  public AddressRateLimitWebFilter(AddressRateLimitStage stage) {
    super(Place.ADDRESS_LIMIT, stage);
  }

  /** The same, which takes these proxies' word for the caller's address. */
  public AddressRateLimitWebFilter(AddressRateLimitStage stage, ClientAddressResolver proxies) {
    super(proxies, Place.ADDRESS_LIMIT, stage);
  }
}
