package io.llmguard.servlet;

import io.llmguard.StandardGuard.Place;
import io.llmguard.limit.AddressRateLimitStage;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.servlet.internal.Assembly;

/**
 * Limits the calls of each address over time.
 *
 * <p>Init-params: {@code limit} ({@code 30 per 1m burst 10} unless set), {@code trusted-proxies}
 * (address blocks).
 */
public final class AddressRateLimitFilter extends GuardFilter {
  /** For the container, which gives the init-params. */
  public AddressRateLimitFilter() {}

  /** A filter that limits by this stage, by the peer's address or what a filter before found. */
  public AddressRateLimitFilter(AddressRateLimitStage stage) {
    super(Place.ADDRESS_LIMIT, stage);
  }

  /** The same, which takes these proxies' word for the caller's address. */
  public AddressRateLimitFilter(AddressRateLimitStage stage, ClientAddressResolver proxies) {
    super(proxies, Place.ADDRESS_LIMIT, stage);
  }

  @Override
  void assemble(Assembly parts) {
    parts.clientAddress();
    parts.addressLimit("limit");
  }
}
