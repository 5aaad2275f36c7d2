package io.llmguard.reactive;

import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.key.KeyDirectory;
import io.llmguard.limit.RateLimit;
import io.llmguard.limit.RateLimitStore;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamRouter;
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
  private static final RateLimit TEN_A_MINUTE = new RateLimit(10, Duration.ofMinutes(1), 5);

  @Bean
  LlmGuardWebFilter guard(KeyDirectory keys, RateLimitStore counters) {
    return LlmGuardWebFilter.builder()
        .authenticator(ApiKeyAuthenticator.builder().keys(keys).build())
        .counters(counters)
        .perCaller(TEN_A_MINUTE)
        .build();
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
