package io.llmguard.servlet;

import io.llmguard.StandardGuard.Place;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.network.NetworkStage;
import io.llmguard.servlet.internal.Assembly;

/**
 * Lets calls in by the caller's address.
 *
 * <p>Init-params: {@code allow} and {@code deny} (address blocks; at least one of them is needed),
 * {@code trusted-proxies} (address blocks).
 */
public final class NetworkFilter extends GuardFilter {
  /** For the container, which gives the init-params. */
  public NetworkFilter() {}

  /** A filter that judges by this stage, by the peer's address or what a filter before found. */
  public NetworkFilter(NetworkStage stage) {
    super(Place.NETWORK, stage);
  }

  /** The same, which takes these proxies' word for the caller's address. */
  public NetworkFilter(NetworkStage stage, ClientAddressResolver proxies) {
    super(proxies, Place.NETWORK, stage);
  }

  @Override
  void assemble(Assembly parts) {
    parts.clientAddress();
    parts.network();
  }
}
