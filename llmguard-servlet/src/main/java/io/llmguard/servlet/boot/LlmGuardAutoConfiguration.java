package io.llmguard.servlet.boot;

import io.llmguard.Guard;
import io.llmguard.assembly.ApplicationPaths;
import io.llmguard.assembly.ApplicationSettings;
import io.llmguard.assembly.DataDirectory;
import io.llmguard.assembly.FirstKey;
import io.llmguard.assembly.GuardAssembly;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.assembly.KeyDatabase;
import io.llmguard.assembly.ProxyAssembly;
import io.llmguard.audit.AuditStage;
import io.llmguard.auth.Authenticator;
import io.llmguard.inprocess.InProcessGuard;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyLookup;
import io.llmguard.key.KeyStore;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.RateLimitStore;
import io.llmguard.metrics.LlmGuardMetrics;
import io.llmguard.servlet.LlmGuardFilter;
import io.llmguard.servlet.LlmProxyServlet;
import io.llmguard.upstream.Proxy;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.servlet.DispatcherType;
import java.util.EnumSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
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
import org.springframework.core.env.Environment;
import org.springframework.security.web.context.RequestAttributeSecurityContextRepository;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/**
 * Guards a servlet application once {@code llmguard.enabled} is true.
 *
 * <p>Every bean here gives way to the application's own of the same type. {@link
 * GuardAssembly.Customizer} and {@link Authenticator} beans are added to the guard.
 */
@AutoConfiguration(
    // where these two majors of Spring Boot make the meter registry
    afterName = {
      "org.springframework.boot.actuate.autoconfigure.metrics.CompositeMeterRegistryAutoConfiguration",
      "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration"
    })
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@ConditionalOnProperty(prefix = SettingsBinder.PREFIX, name = "enabled", havingValue = "true")
public class LlmGuardAutoConfiguration {
  private static final Logger log = LoggerFactory.getLogger(LlmGuardAutoConfiguration.class);

  /** For Spring. */
  public LlmGuardAutoConfiguration() {}

  /** What the guard is told by {@code llmguard.*}. */
  @Bean
  @ConditionalOnMissingBean
  GuardSettings llmGuardSettings(Environment environment) {
    return SettingsBinder.bind(
        environment, SettingsBinder.PREFIX, GuardSettings.class, "enabled", "web", "proxy");
  }

  /** What {@code llmguard.web.*} and {@code llmguard.proxy.*} say. */
  @Bean
  @ConditionalOnMissingBean
  ApplicationSettings llmGuardApplicationSettings(Environment environment) {
    return new ApplicationSettings(
        SettingsBinder.bind(
            environment, SettingsBinder.PREFIX + ".web", ApplicationSettings.Web.class),
        SettingsBinder.bind(
            environment, SettingsBinder.PREFIX + ".proxy", ApplicationSettings.Proxy.class));
  }

  /** Where the state is. */
  @Bean
  @ConditionalOnMissingBean
  DataDirectory llmGuardDataDirectory(GuardSettings settings) {
    return DataDirectory.of(settings);
  }

  /** Keys in the data directory, unless the application keeps them elsewhere. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnMissingBean(KeyStore.class)
  static class Keys {
    @Bean
    KeyDatabase llmGuardKeyDatabase(DataDirectory directory) {
      return KeyDatabase.open(directory);
    }

    @Bean
    KeyStore llmGuardKeyStore(KeyDatabase database) {
      return database.store();
    }
  }

  /** The keys as calls look them up; makes the first one. */
  @Bean
  @ConditionalOnMissingBean(KeyLookup.class)
  KeyDirectory llmGuardKeys(KeyStore store, GuardSettings settings, DataDirectory directory) {
    if (settings.masterKey() == null && settings.firstKey()) {
      FirstKey.Shown shown = FirstKey.make(store, directory.make(), FirstKey.onTerminal());
      if (shown instanceof FirstKey.Shown.OnTerminal onTerminal) {
        // past every logger, so that no log holds it
        System.out.println("llmguard: first key " + onTerminal.text());
      } else if (shown instanceof FirstKey.Shown.InFile inFile) {
        log.info("first key: {}", inFile.text());
      }
    }
    return KeyDirectory.builder(store).open();
  }

  /** The counters, in this process unless the application shares them. */
  @Bean
  @ConditionalOnMissingBean(RateLimitStore.class)
  InMemoryRateLimitStore llmGuardCounters() {
    return new InMemoryRateLimitStore(io.llmguard.TimeSource.system());
  }

  /** The audit trail. */
  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnProperty(
      prefix = SettingsBinder.PREFIX,
      name = "audit.enabled",
      havingValue = "true",
      matchIfMissing = true)
  AuditStage llmGuardAudit(DataDirectory directory) {
    return directory.make().openAudit();
  }

  /** Metrics for the application's registry. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(MeterRegistry.class)
  static class Metrics {
    @Bean
    @ConditionalOnBean(MeterRegistry.class)
    @ConditionalOnMissingBean
    LlmGuardMetrics llmGuardMetrics(MeterRegistry registry, ObjectProvider<AuditStage> audit) {
      LlmGuardMetrics metrics = new LlmGuardMetrics(registry, Set::of);
      audit.ifAvailable(stage -> metrics.bind(stage.queue()));
      return metrics;
    }

    /** In a class of its own, because its signature names Micrometer's types. */
    @Bean
    @ConditionalOnBean(LlmGuardMetrics.class)
    GuardObserver llmGuardMetricsObserver(LlmGuardMetrics metrics) {
      return guard -> guard.observer(metrics).limitListener(metrics);
    }
  }

  /** Adds what observes to an assembly. */
  @FunctionalInterface
  interface GuardObserver {
    void addTo(GuardAssembly.Builder guard);
  }

  /** What the guard is made of. */
  @Bean
  @ConditionalOnMissingBean
  GuardAssembly llmGuardAssembly(
      GuardSettings settings,
      KeyLookup keys,
      RateLimitStore counters,
      ObjectProvider<AuditStage> audit,
      ObjectProvider<GuardObserver> observers,
      ObjectProvider<Authenticator> authenticators,
      ObjectProvider<GuardAssembly.Customizer> customizers) {
    GuardAssembly.Builder assembly = GuardAssembly.builder(settings, keys, counters);
    audit.ifAvailable(assembly::observer);
    observers.orderedStream().forEach(observer -> observer.addTo(assembly));
    authenticators.orderedStream().forEach(assembly::authenticator);
    customizers.orderedStream().forEach(assembly::customizer);
    return assembly.build();
  }

  /** The paths by what becomes of them. */
  @Bean
  @ConditionalOnMissingBean
  ApplicationPaths llmGuardPaths(ApplicationSettings settings, ObjectProvider<Proxy> proxy) {
    return ApplicationPaths.of(settings, proxy.getIfAvailable() != null);
  }

  /** The guard itself. */
  @Bean
  @ConditionalOnMissingBean
  Guard llmGuard(GuardAssembly assembly, ApplicationPaths paths) {
    return assembly.forCalls(paths.catalogue());
  }

  /** The guard around the calls that the application makes itself. */
  @Bean(destroyMethod = "")
  @ConditionalOnMissingBean
  InProcessGuard llmGuardInProcess(GuardAssembly assembly) {
    // what it shares with the guard is closed there
    return assembly.forOwnCalls();
  }

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

  /** The proxy to the application's LLM server, where one is set. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnMissingBean(Proxy.class)
  @ConditionalOnProperty(prefix = SettingsBinder.PREFIX, name = "proxy.url")
  static class OwnProxy {
    @Bean
    ProxyAssembly llmGuardProxyAssembly(ApplicationSettings application, GuardSettings settings) {
      return ProxyAssembly.open(application.proxy(), settings.limits());
    }

    @Bean
    Proxy llmGuardProxy(ProxyAssembly assembly) {
      return assembly.proxy();
    }
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
    @ConditionalOnMissingBean
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
