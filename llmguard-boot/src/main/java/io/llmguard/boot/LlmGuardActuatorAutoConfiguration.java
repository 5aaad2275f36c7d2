package io.llmguard.boot;

import io.llmguard.Guard;
import io.llmguard.assembly.ApplicationPaths;
import io.llmguard.assembly.GuardStatus;
import io.llmguard.audit.AuditStage;
import io.llmguard.key.KeyLookup;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The guard in the actuator: the endpoint {@code llmguard}, and a part of {@code health}. */
@AutoConfiguration(after = LlmGuardAutoConfiguration.class)
@ConditionalOnClass(Endpoint.class)
@ConditionalOnBean(Guard.class)
public class LlmGuardActuatorAutoConfiguration {
  /** For Spring. */
  public LlmGuardActuatorAutoConfiguration() {}

  private static Supplier<GuardStatus> status(Guard guard, ConfigurableListableBeanFactory beans) {
    return () -> GuardStatus.of(guard, made(beans, KeyLookup.class), made(beans, AuditStage.class));
  }

  /** The bean, if it is there already: to look at a part does not make it. */
  private static <T> @Nullable T made(ConfigurableListableBeanFactory beans, Class<T> type) {
    for (String name : beans.getBeanNamesForType(type, true, false)) {
      if (beans.containsSingleton(name)) {
        return beans.getBean(name, type);
      }
    }
    return null;
  }

  /** The endpoint. */
  @Bean
  @ConditionalOnMissingBean(value = LlmGuardEndpoint.class, name = "llmGuardEndpoint")
  @ConditionalOnAvailableEndpoint
  LlmGuardEndpoint llmGuardEndpoint(
      Guard guard, ApplicationPaths paths, ConfigurableListableBeanFactory beans) {
    return new LlmGuardEndpoint(guard, paths, status(guard, beans));
  }

  /** Spring Boot 3. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(name = "org.springframework.boot.actuate.health.HealthIndicator")
  @org.springframework.boot.actuate.autoconfigure.health.ConditionalOnEnabledHealthIndicator(
      "llmguard")
  static class Boot3Health {
    @Bean
    @ConditionalOnMissingBean(name = "llmguardHealthIndicator")
    org.springframework.boot.actuate.health.HealthIndicator llmguardHealthIndicator(
        Guard guard, ConfigurableListableBeanFactory beans) {
      Supplier<GuardStatus> status = status(guard, beans);
      return () -> {
        GuardStatus now = status.get();
        return (now.serving()
                ? org.springframework.boot.actuate.health.Health.up()
                : org.springframework.boot.actuate.health.Health.down())
            .withDetails(now.details())
            .build();
      };
    }
  }

  /** Spring Boot 4, where health is a module of its own. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(name = "org.springframework.boot.health.contributor.HealthIndicator")
  @org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator(
      "llmguard")
  static class Boot4Health {
    @Bean
    @ConditionalOnMissingBean(name = "llmguardHealthIndicator")
    org.springframework.boot.health.contributor.HealthIndicator llmguardHealthIndicator(
        Guard guard, ConfigurableListableBeanFactory beans) {
      Supplier<GuardStatus> status = status(guard, beans);
      return () -> {
        GuardStatus now = status.get();
        return (now.serving()
                ? org.springframework.boot.health.contributor.Health.up()
                : org.springframework.boot.health.contributor.Health.down())
            .withDetails(now.details())
            .build();
      };
    }
  }
}
