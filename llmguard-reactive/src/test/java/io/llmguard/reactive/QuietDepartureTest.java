package io.llmguard.reactive;

import io.llmguard.Guard;
import io.llmguard.testkit.QuietDepartureContract;
import io.llmguard.upstream.Proxy;
import org.junit.jupiter.api.Tag;

@Tag("server")
@Tag("contract")
class QuietDepartureTest extends QuietDepartureContract {
  @Override
  protected Server start(Guard guard, Proxy proxy) {
    return Gateway.start(guard, proxy, PATIENCE);
  }
}
