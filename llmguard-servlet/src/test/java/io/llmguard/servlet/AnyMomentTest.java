package io.llmguard.servlet;

import io.llmguard.Guard;
import io.llmguard.testkit.AnyMomentContract;
import io.llmguard.upstream.Proxy;
import org.junit.jupiter.api.Tag;

@Tag("container")
@Tag("contract")
class AnyMomentTest extends AnyMomentContract {
  @Override
  protected Server start(Guard guard, Proxy proxy) throws Exception {
    return Gateway.start(guard, proxy, BODY_DEADLINE);
  }
}
