package io.llmguard.reactive;

import io.llmguard.Guard;
import io.llmguard.StandardGuard;
import io.llmguard.testkit.AnyMomentContract;
import io.llmguard.upstream.Proxy;
import org.junit.jupiter.api.Tag;

/** The call was let in by one filter when another one decides about it: its end may come then. */
@Tag("server")
class SplitAnyMomentTest extends AnyMomentContract {
  @Override
  protected Server start(Guard guard, Proxy proxy) {
    Guard first = StandardGuard.builder().build();
    NettyServer server =
        NettyServer.start(
            new LlmProxyHandler(proxy),
            new GuardWebFilter(first),
            new GuardWebFilter(guard).bodyDeadline(BODY_DEADLINE));
    return Gateway.closing(server, first);
  }
}
