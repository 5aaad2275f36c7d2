package io.llmguard.boot;

import io.llmguard.audit.AuditStage;
import io.llmguard.metrics.LlmGuardMetrics;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Set;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;

/** Metrics for the application's registry. */
@Lazy
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(MeterRegistry.class)
class MetricsConfiguration {
  /** The meters. */
  @Bean
  @ConditionalOnBean(MeterRegistry.class)
  @ConditionalOnMissingBean
  LlmGuardMetrics llmGuardMetrics(MeterRegistry registry, ObjectProvider<AuditStage> audit) {
    LlmGuardMetrics metrics = new LlmGuardMetrics(registry, Set::of);
    audit.ifAvailable(stage -> metrics.bind(stage.queue()));
    return metrics;
  }
}
