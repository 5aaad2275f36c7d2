package io.llmguard.servlet;

import io.llmguard.Guard;
import io.llmguard.testkit.QuietDepartureContract;
import io.llmguard.upstream.Proxy;
import org.junit.jupiter.api.Tag;

@Tag("jetty")
class QuietDepartureTest extends QuietDepartureContract {
  @Override
  protected Server start(Guard guard, Proxy proxy) throws Exception {
    return Gateway.start(guard, proxy, PATIENCE);
  }
}
