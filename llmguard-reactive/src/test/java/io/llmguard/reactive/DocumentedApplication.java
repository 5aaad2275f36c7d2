package io.llmguard.reactive;

import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.key.KeyDirectory;
import io.llmguard.limit.CallerRateLimitStage;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.RateLimit;
import io.llmguard.limit.RateLimitStore;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.ModelStage;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamRouter;
import io.llmguard.wire.RequestReader;
import java.time.Duration;
import java.util.Map;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.reactive.config.EnableWebFlux;
import org.springframework.web.reactive.handler.SimpleUrlHandlerMapping;
import reactor.core.publisher.Mono;

/** The application of the documentation. */
@Configuration
@EnableWebFlux
class DocumentedApplication {
  private static final LimitSet TEN_A_MINUTE =
      new LimitSet(new RateLimit(10, Duration.ofMinutes(1), 5), null, null, Map.of());

  private static AuthenticationStage apiKeys(KeyDirectory keys) {
    return AuthenticationStage.builder()
        .authenticator(ApiKeyAuthenticator.builder().keys(keys).build())
        .build();
  }

  @Bean
  LlmGuardWebFilter guard(KeyDirectory keys, RateLimitStore counters) {
    return new LlmGuardWebFilter(
        StandardGuard.builder()
            .stage(Place.AUTHENTICATION, apiKeys(keys))
            .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()))
            .stage(Place.CALLER_LIMIT, new CallerRateLimitStage(counters, TEN_A_MINUTE))
            .stage(Place.BODY, new BodyStage(RequestReader.create(), 32 << 20))
            .stage(Place.MODEL, new ModelStage())
            .build());
  }

  @Bean
  LlmProxyHandler proxy(Upstream upstream) {
    return new LlmProxyHandler(Proxy.builder(UpstreamRouter.to(upstream)).build());
  }

  @Bean
  SimpleUrlHandlerMapping routes(LlmProxyHandler proxy) {
    return new SimpleUrlHandlerMapping(Map.of("/api/**", proxy, "/v1/**", proxy), -1);
  }

  Mono<String> greeting() {
    return GuardWebFilter.currentCaller().map(caller -> "Hello, " + caller.getName());
  }
}
