package io.llmguard.boot;

import io.llmguard.Guard;
import io.llmguard.assembly.ApplicationPaths;
import io.llmguard.assembly.ApplicationSettings;
import io.llmguard.assembly.GuardAssembly;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.upstream.Proxy;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.Environment;

/**
 * The guard of a web application, once {@code llmguard.enabled} is true; each adapter leads calls
 * through it.
 *
 * <p>Every bean here gives way to the application's own of the same type, or of the same name where
 * the type is not the guard's. {@link GuardAssembly.Customizer} and {@link
 * io.llmguard.auth.Authenticator} beans are added to the guard. What the guard in use is not made
 * of is not made at all: no key, no file.
 */
@AutoConfiguration(
    // where these two majors of Spring Boot make the meter registry
    afterName = {
      "org.springframework.boot.actuate.autoconfigure.metrics.CompositeMeterRegistryAutoConfiguration",
      "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration"
    })
@ConditionalOnWebApplication
@ConditionalOnProperty(prefix = SettingsBinder.PREFIX, name = "enabled", havingValue = "true")
@Import({
  KeyConfiguration.class,
  BudgetConfiguration.class,
  MetricsConfiguration.class,
  AssemblyConfiguration.class,
  ProxyConfiguration.class
})
public class LlmGuardAutoConfiguration {
  /** For Spring. */
  public LlmGuardAutoConfiguration() {}

  /** What the guard is told by {@code llmguard.*}. */
  @Bean
  @ConditionalOnMissingBean
  GuardSettings llmGuardSettings(Environment environment) {
    return SettingsBinder.guard(environment);
  }

  /** What {@code llmguard.web.*} and {@code llmguard.proxy.*} say. */
  @Bean
  @ConditionalOnMissingBean
  ApplicationSettings llmGuardApplicationSettings(Environment environment) {
    return SettingsBinder.application(environment);
  }

  /** What {@code llmguard.budgets} and its neighbours say. */
  @Bean
  @ConditionalOnMissingBean
  SpendSettings llmGuardSpendSettings(Environment environment) {
    return SettingsBinder.spend(environment);
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
}
