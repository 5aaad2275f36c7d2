package io.llmguard.upstream;

import io.llmguard.upstream.jetty.JettyTransport;

class JettyTransportTest extends UpstreamTransportContract {
  @Override
  UpstreamTransport transport(TransportSettings settings) {
    return new JettyTransport(settings);
  }

  @Override
  boolean hearsEarlyAnswers() {
    return true;
  }
}
