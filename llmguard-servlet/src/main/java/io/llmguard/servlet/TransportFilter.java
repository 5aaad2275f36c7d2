package io.llmguard.servlet;

import io.llmguard.StandardGuard.Place;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.network.TransportStage;
import io.llmguard.servlet.internal.Assembly;

/**
 * Refuses or redirects plain HTTP, and calls for hosts that are not this one; announces HSTS.
 *
 * <p>Init-params: {@code plain-http} ({@code refuse}, {@code redirect} or {@code allow}), {@code
 * hosts} (names of this server, any unless set), {@code redirect-port}, {@code hsts} (a duration,
 * 365 days unless set), {@code trusted-proxies} (address blocks).
 */
public final class TransportFilter extends GuardFilter {
  /** For the container, which gives the init-params. */
  public TransportFilter() {}

  /** A filter that judges by this stage. */
  public TransportFilter(TransportStage stage) {
    super(Place.TRANSPORT, stage);
  }

  /** The same, which takes these proxies' word for whether a call came by TLS. */
  public TransportFilter(TransportStage stage, ClientAddressResolver proxies) {
    super(proxies, Place.TRANSPORT, stage);
  }

  @Override
  void assemble(Assembly parts) {
    parts.clientAddress();
    parts.transport();
  }
}
