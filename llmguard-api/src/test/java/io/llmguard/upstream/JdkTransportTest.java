package io.llmguard.upstream;

class JdkTransportTest extends UpstreamTransportContract {
  @Override
  UpstreamTransport transport(TransportSettings settings) {
    return new JdkTransport(settings);
  }
}
