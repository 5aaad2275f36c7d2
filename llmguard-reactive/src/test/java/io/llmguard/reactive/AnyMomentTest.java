package io.llmguard.reactive;

import io.llmguard.Guard;
import io.llmguard.testkit.AnyMomentContract;
import io.llmguard.upstream.Proxy;
import org.junit.jupiter.api.Tag;

@Tag("server")
@Tag("contract")
class AnyMomentTest extends AnyMomentContract {
  @Override
  protected Server start(Guard guard, Proxy proxy) {
    return Gateway.start(guard, proxy, BODY_DEADLINE);
  }
}
