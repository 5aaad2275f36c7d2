package io.llmguard.reactive;

import io.llmguard.Guard;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.testkit.BodyContract;
import io.llmguard.upstream.Proxy;
import org.junit.jupiter.api.Tag;

/** Bodies behind single filters: who calls is found by one, what the body asks for by another. */
@Tag("server")
class SplitBodyTest extends BodyContract {
  @Override
  protected Server start(Guard guard, Proxy proxy) throws Exception {
    Guard callers =
        StandardGuard.builder()
            .stage(Place.OBSERVE, observer())
            .stage(Place.AUTHENTICATION, authentication().build())
            .build();
    NettyServer server =
        NettyServer.start(
            new LlmProxyHandler(proxy),
            new GuardWebFilter(callers).bodyDeadline(BODY_DEADLINE),
            new BodyPolicyWebFilter(EndpointCatalogue.standard(), bodies())
                .bodyDeadline(BODY_DEADLINE));
    return Gateway.closing(server, callers);
  }
}
