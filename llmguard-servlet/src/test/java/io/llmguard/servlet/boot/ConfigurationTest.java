package io.llmguard.servlet.boot;

import io.llmguard.boot.ConfigurationContract;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.ApplicationContext;

class ConfigurationTest extends ConfigurationContract {
  @Override
  protected int order(ApplicationContext context) {
    return context.getBean("llmGuardFilterRegistration", FilterRegistrationBean.class).getOrder();
  }
}
