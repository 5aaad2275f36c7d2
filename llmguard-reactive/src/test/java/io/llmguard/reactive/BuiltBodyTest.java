package io.llmguard.reactive;

import io.llmguard.Guard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.limit.RateLimit;
import io.llmguard.testkit.BodyContract;
import io.llmguard.upstream.Proxy;
import java.time.Duration;
import org.junit.jupiter.api.Tag;

/** Bodies behind the whole guard as its builder makes it. */
@Tag("server")
class BuiltBodyTest extends BodyContract {
  private static final RateLimit MANY = new RateLimit(100_000, Duration.ofSeconds(1), 100_000);

  @Override
  protected Server start(Guard guard, Proxy proxy) {
    LlmGuardWebFilter filter =
        LlmGuardWebFilter.builder()
            .authenticator(ApiKeyAuthenticator.builder().keys(keys).build())
            .perAddress(MANY)
            .perCaller(MANY)
            .bodies(bodies())
            .stage(Place.OBSERVE, observer())
            .build();
    filter.bodyDeadline(BODY_DEADLINE);
    return Gateway.closing(NettyServer.start(new LlmProxyHandler(proxy), filter), filter);
  }
}
