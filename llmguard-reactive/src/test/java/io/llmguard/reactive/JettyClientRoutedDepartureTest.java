package io.llmguard.reactive;

import io.llmguard.Guard;
import io.llmguard.testkit.RoutedDepartureContract;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.UpstreamTransport;
import io.llmguard.upstream.jetty.JettyTransport;

/** The same where Jetty's client calls the upstream. */
class JettyClientRoutedDepartureTest extends RoutedDepartureContract {
  @Override
  protected Server start(Guard guard, Proxy proxy) {
    return Gateway.start(guard, proxy, PATIENCE);
  }

  @Override
  protected UpstreamTransport transport() {
    return new JettyTransport(TransportSettings.builder().build());
  }
}
