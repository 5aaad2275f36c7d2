package io.llmguard.boot;

import io.llmguard.assembly.ApplicationSettings;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.assembly.ProxyAssembly;
import io.llmguard.upstream.Proxy;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The proxy to the application's LLM server, where one is set. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnMissingBean(Proxy.class)
@ConditionalOnProperty(prefix = SettingsBinder.PREFIX, name = "proxy.url")
class ProxyConfiguration {
  /** The server's connections. */
  @Bean
  @ConditionalOnMissingBean
  ProxyAssembly llmGuardProxyAssembly(ApplicationSettings application, GuardSettings settings) {
    return ProxyAssembly.open(application.proxy(), settings.limits());
  }

  /** The proxy. */
  @Bean
  Proxy llmGuardProxy(ProxyAssembly assembly) {
    return assembly.proxy();
  }
}
