package io.llmguard.reactive;

import io.llmguard.Guard;
import io.llmguard.testkit.ContextPathContract;
import io.llmguard.upstream.Proxy;
import org.junit.jupiter.api.Tag;

@Tag("server")
@Tag("contract")
class ContextPathTest extends ContextPathContract {
  @Override
  protected Server start(Guard guard, Proxy proxy) {
    return Gateway.start(CONTEXT, guard, proxy, BODY_DEADLINE);
  }
}
