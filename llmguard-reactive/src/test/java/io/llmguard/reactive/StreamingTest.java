package io.llmguard.reactive;

import io.llmguard.Guard;
import io.llmguard.testkit.StreamingContract;
import io.llmguard.upstream.Proxy;
import org.junit.jupiter.api.Tag;

@Tag("server")
@Tag("contract")
class StreamingTest extends StreamingContract {
  @Override
  protected Server start(Guard guard, Proxy proxy) {
    return Gateway.start(guard, proxy, BODY_DEADLINE);
  }

  @Override
  protected boolean noticesAtOnce() {
    return true;
  }
}
