package io.llmguard.reactive.boot;

import io.llmguard.boot.ConfigurationContract;
import org.springframework.context.ApplicationContext;

class ConfigurationTest extends ConfigurationContract {
  @Override
  protected int order(ApplicationContext context) {
    return context.getBean(GuardedPathsFilter.class).getOrder();
  }
}
