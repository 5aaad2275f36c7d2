package io.llmguard.reactive.boot;

import io.llmguard.auth.Caller;
import io.llmguard.auth.CurrentCaller;
import io.llmguard.boot.internal.AdmittedCaller;
import io.llmguard.reactive.GuardWebFilter;
import org.springframework.core.MethodParameter;
import org.springframework.web.reactive.BindingContext;
import org.springframework.web.reactive.config.WebFluxConfigurer;
import org.springframework.web.reactive.result.method.HandlerMethodArgumentResolver;
import org.springframework.web.reactive.result.method.annotation.ArgumentResolverConfigurer;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** Hands the admitted {@link Caller} to controllers' parameters with {@link CurrentCaller}. */
final class CurrentCallerConfigurer implements WebFluxConfigurer, HandlerMethodArgumentResolver {
  @Override
  public void configureArgumentResolvers(ArgumentResolverConfigurer configurer) {
    configurer.addCustomResolver(this);
  }

  @Override
  public boolean supportsParameter(MethodParameter parameter) {
    return AdmittedCaller.wanted(parameter);
  }

  @Override
  public Mono<Object> resolveArgument(
      MethodParameter parameter, BindingContext binding, ServerWebExchange webExchange) {
    return Mono.fromCallable(() -> AdmittedCaller.of(GuardWebFilter.exchange(webExchange)));
  }
}
