package io.llmguard.reactive.boot;

import io.llmguard.Guard;
import io.llmguard.assembly.ApplicationPaths;
import io.llmguard.assembly.ApplicationSettings;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.boot.LlmGuardAutoConfiguration;
import io.llmguard.reactive.LlmGuardWebFilter;
import io.llmguard.reactive.LlmProxyHandler;
import io.llmguard.upstream.Proxy;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.core.context.ReactiveSecurityContextHolder;
import org.springframework.web.reactive.handler.SimpleUrlHandlerMapping;

/**
 * Leads the calls of a WebFlux application through its guard, once {@code llmguard.enabled} is
 * true.
 *
 * <p>Every bean here gives way to the application's own of the same type, or of the same name where
 * the type is not the guard's.
 */
@AutoConfiguration(after = LlmGuardAutoConfiguration.class)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.REACTIVE)
@ConditionalOnProperty(prefix = "llmguard", name = "enabled", havingValue = "true")
public class LlmGuardReactiveAutoConfiguration {
  /** For Spring. */
  public LlmGuardReactiveAutoConfiguration() {}

  /** The filter, which leads calls through the guard where they are guarded. */
  @Bean
  @ConditionalOnMissingBean(name = "llmGuardFilter")
  GuardedPathsFilter llmGuardFilter(
      Guard guard,
      GuardSettings settings,
      ApplicationPaths paths,
      ApplicationSettings application) {
    // no bean of its own: every WebFilter bean stands before every path
    LlmGuardWebFilter filter = new LlmGuardWebFilter(guard);
    filter.bodyDeadline(settings.limits().bodyTime());
    return new GuardedPathsFilter(filter, paths.guardedPrefixes(), application.web().order());
  }

  /** The handler in front of the proxy, before every other of the application. */
  @Bean
  @ConditionalOnBean(Proxy.class)
  @ConditionalOnMissingBean(name = "llmGuardProxyMapping")
  SimpleUrlHandlerMapping llmGuardProxyMapping(Proxy proxy, ApplicationPaths paths) {
    LlmProxyHandler handler = new LlmProxyHandler(proxy);
    Map<String, Object> handlers = new LinkedHashMap<>();
    paths.proxiedPrefixes().forEach(prefix -> handlers.put(prefix + "**", handler));
    return new SimpleUrlHandlerMapping(handlers, -2);
  }

  /** The caller as a parameter of controllers. */
  @Bean
  @ConditionalOnMissingBean(name = "llmGuardCurrentCaller")
  CurrentCallerConfigurer llmGuardCurrentCaller() {
    return new CurrentCallerConfigurer();
  }

  /** The caller as Spring Security's authentication. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(ReactiveSecurityContextHolder.class)
  static class Security {
    @Bean
    @ConditionalOnMissingBean(name = "llmGuardSecurityBridge")
    CallerSecurityFilter llmGuardSecurityBridge(ApplicationSettings settings) {
      // right behind the guard
      return new CallerSecurityFilter(settings.web().order() + 1);
    }
  }
}
