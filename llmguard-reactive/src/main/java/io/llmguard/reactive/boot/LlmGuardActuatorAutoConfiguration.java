package io.llmguard.reactive.boot;

import io.llmguard.Guard;
import io.llmguard.assembly.ApplicationPaths;
import io.llmguard.assembly.GuardStatus;
import io.llmguard.audit.AuditStage;
import io.llmguard.key.KeyLookup;
import java.util.function.Supplier;
import org.springframework.beans.factory.ObjectProvider;
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

  private static Supplier<GuardStatus> status(
      ObjectProvider<KeyLookup> keys, ObjectProvider<AuditStage> audit) {
    return () -> GuardStatus.of(keys.getIfAvailable(), audit.getIfAvailable());
  }

  /** The endpoint. */
  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnAvailableEndpoint
  LlmGuardEndpoint llmGuardEndpoint(
      Guard guard,
      ApplicationPaths paths,
      ObjectProvider<KeyLookup> keys,
      ObjectProvider<AuditStage> audit) {
    return new LlmGuardEndpoint(guard, paths, status(keys, audit));
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
        ObjectProvider<KeyLookup> keys, ObjectProvider<AuditStage> audit) {
      Supplier<GuardStatus> status = status(keys, audit);
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
        ObjectProvider<KeyLookup> keys, ObjectProvider<AuditStage> audit) {
      Supplier<GuardStatus> status = status(keys, audit);
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
