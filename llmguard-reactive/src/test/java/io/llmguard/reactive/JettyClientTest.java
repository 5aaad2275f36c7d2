package io.llmguard.reactive;

import io.llmguard.Guard;
import io.llmguard.testkit.StreamingContract;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.UpstreamTransport;
import io.llmguard.upstream.jetty.JettyTransport;
import org.junit.jupiter.api.Tag;

/** Answers that Jetty's client brings, on event loops that it must not block. */
@Tag("server")
class JettyClientTest extends StreamingContract {
  @Override
  protected Server start(Guard guard, Proxy proxy) {
    return Gateway.start(guard, proxy, BODY_DEADLINE);
  }

  @Override
  protected UpstreamTransport transport() {
    return new JettyTransport(TransportSettings.builder().build());
  }

  @Override
  protected boolean noticesAtOnce() {
    return true;
  }
}
