package io.llmguard.servlet;

import io.llmguard.Guard;
import io.llmguard.testkit.DepartureContract;
import io.llmguard.upstream.Proxy;
import org.junit.jupiter.api.Tag;

@Tag("container")
@Tag("contract")
class DepartureTest extends DepartureContract {
  @Override
  protected Server start(Guard guard, Proxy proxy) throws Exception {
    return Gateway.start(guard, proxy, PATIENCE);
  }
}
