package io.llmguard.servlet.boot;

import io.llmguard.Guard;
import io.llmguard.assembly.ApplicationPaths;
import io.llmguard.assembly.ApplicationSettings;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.boot.LlmGuardAutoConfiguration;
import io.llmguard.servlet.LlmGuardFilter;
import io.llmguard.servlet.LlmProxyServlet;
import io.llmguard.upstream.Proxy;
import jakarta.servlet.DispatcherType;
import java.util.EnumSet;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.web.context.RequestAttributeSecurityContextRepository;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/**
 * Leads the calls of a servlet application through its guard, once {@code llmguard.enabled} is
 * true.
 *
 * <p>Every bean here gives way to the application's own of the same type, or of the same name where
 * the type is not the guard's.
 */
@AutoConfiguration(after = LlmGuardAutoConfiguration.class)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@ConditionalOnProperty(prefix = "llmguard", name = "enabled", havingValue = "true")
public class LlmGuardServletAutoConfiguration {
  /** For Spring. */
  public LlmGuardServletAutoConfiguration() {}

  /** The filter, which leads calls through the guard. */
  @Bean
  @ConditionalOnMissingBean
  LlmGuardFilter llmGuardFilter(
      Guard guard, GuardSettings settings, ApplicationSettings application) {
    LlmGuardFilter filter = new LlmGuardFilter(guard);
    filter.bodyDeadline(settings.limits().bodyTime());
    filter.asyncDispatch(application.web().asyncDispatch());
    return filter;
  }

  /** Where the filter stands. */
  @Bean
  @ConditionalOnMissingBean(name = "llmGuardFilterRegistration")
  FilterRegistrationBean<LlmGuardFilter> llmGuardFilterRegistration(
      LlmGuardFilter filter, ApplicationPaths paths, ApplicationSettings settings) {
    FilterRegistrationBean<LlmGuardFilter> registration = new FilterRegistrationBean<>(filter);
    registration.setName("llmGuardFilter");
    registration.setUrlPatterns(paths.guardedServletPatterns());
    registration.setDispatcherTypes(EnumSet.of(DispatcherType.REQUEST, DispatcherType.ASYNC));
    registration.setAsyncSupported(true);
    registration.setOrder(settings.web().order());
    return registration;
  }

  /** The servlet in front of the proxy. */
  @Bean
  @ConditionalOnBean(Proxy.class)
  @ConditionalOnMissingBean(name = "llmGuardProxyServlet")
  ServletRegistrationBean<LlmProxyServlet> llmGuardProxyServlet(
      Proxy proxy, ApplicationPaths paths) {
    ServletRegistrationBean<LlmProxyServlet> registration =
        new ServletRegistrationBean<>(new LlmProxyServlet(proxy));
    registration.setName("llmGuardProxy");
    registration.setUrlMappings(paths.proxiedServletPatterns());
    registration.setAsyncSupported(true);
    return registration;
  }

  /** The caller as a parameter of controllers. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(WebMvcConfigurer.class)
  static class Mvc {
    @Bean
    @ConditionalOnMissingBean(name = "llmGuardCurrentCaller")
    CurrentCallerConfigurer llmGuardCurrentCaller() {
      return new CurrentCallerConfigurer();
    }
  }

  /** The caller as Spring Security's authentication. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(RequestAttributeSecurityContextRepository.class)
  static class Security {
    @Bean
    @ConditionalOnMissingBean(name = "llmGuardSecurityBridge")
    FilterRegistrationBean<CallerSecurityFilter> llmGuardSecurityBridge(
        ApplicationPaths paths, ApplicationSettings settings) {
      FilterRegistrationBean<CallerSecurityFilter> registration =
          new FilterRegistrationBean<>(new CallerSecurityFilter());
      registration.setName("llmGuardSecurityBridge");
      registration.setUrlPatterns(paths.guardedServletPatterns());
      // as the guard: who is admitted later is there from the asynchronous dispatch on
      registration.setDispatcherTypes(EnumSet.of(DispatcherType.REQUEST, DispatcherType.ASYNC));
      registration.setAsyncSupported(true);
      // right behind the guard
      registration.setOrder(settings.web().order() + 1);
      return registration;
    }
  }
}
