package io.llmguard.servlet;

import io.llmguard.Guard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.assembly.GuardBuilder;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.limit.RateLimit;
import io.llmguard.testkit.BodyContract;
import io.llmguard.upstream.Proxy;
import java.time.Duration;
import org.junit.jupiter.api.Tag;

/** Bodies behind the whole guard as its builder makes it. */
@Tag("container")
class BuiltBodyTest extends BodyContract {
  private static final RateLimit MANY = new RateLimit(100_000, Duration.ofSeconds(1), 100_000);

  @Override
  protected Server start(Guard guard, Proxy proxy) throws Exception {
    GuardBuilder<LlmGuardFilter> filter =
        LlmGuardFilter.builder()
            .authenticator(ApiKeyAuthenticator.builder().keys(keys).build())
            .perAddress(MANY)
            .perCaller(MANY)
            .bodies(bodies())
            .stage(Place.OBSERVE, observer());
    return Gateway.start(
        context -> filter.build().bodyDeadline(BODY_DEADLINE).addTo(context, "guard", "/*"), proxy);
  }
}
