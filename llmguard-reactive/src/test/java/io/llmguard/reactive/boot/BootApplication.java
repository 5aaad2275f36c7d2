package io.llmguard.reactive.boot;

import io.llmguard.Guard;
import io.llmguard.testkit.HttpContract;
import io.llmguard.upstream.Proxy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.support.GenericApplicationContext;

/**
 * A Spring Boot application with nothing but its auto-configuration, on a free port of the loopback
 * address; what differs from Boot to Boot is not named here.
 */
public final class BootApplication implements HttpContract.Server {
  /** Spring Security's, which would lock every application of these tests, in both majors. */
  private static final String SECURITY =
      String.join(
          ",",
          "org.springframework.boot.autoconfigure.security.reactive.ReactiveSecurityAutoConfiguration",
          "org.springframework.boot.autoconfigure.security.reactive.ReactiveUserDetailsServiceAutoConfiguration",
          "org.springframework.boot.actuate.autoconfigure.security.reactive.ReactiveManagementWebSecurityAutoConfiguration",
          "org.springframework.boot.security.autoconfigure.ReactiveUserDetailsServiceAutoConfiguration",
          "org.springframework.boot.security.autoconfigure.web.reactive.ReactiveWebSecurityAutoConfiguration",
          "org.springframework.boot.security.autoconfigure.actuate.web.reactive.ReactiveManagementWebSecurityAutoConfiguration");

  private final ConfigurableApplicationContext context;

  private BootApplication(ConfigurableApplicationContext context) {
    this.context = context;
  }

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  static class Empty {}

  /** An application with these properties. */
  public static Builder with(String... properties) {
    return new Builder(properties);
  }

  /** The guard and the proxy as beans of an application that is otherwise configured by itself. */
  public static HttpContract.Server gateway(
      String contextPath, Guard guard, Proxy proxy, Duration bodyDeadline) {
    return with(
            "llmguard.enabled=true",
            "spring.webflux.base-path=" + contextPath,
            "llmguard.web.paths=/**",
            "llmguard.proxy.paths=/**",
            "llmguard.limits.body-time=" + bodyDeadline.toMillis() + "ms",
            "llmguard.first-key=false",
            "llmguard.audit.enabled=false")
        .bean(Guard.class, guard)
        .bean(Proxy.class, proxy)
        .start();
  }

  /** The port that it is bound to. */
  @Override
  public int port() {
    return Integer.parseInt(
        String.valueOf(context.getEnvironment().getProperty("local.server.port")));
  }

  ConfigurableApplicationContext context() {
    return context;
  }

  @Override
  public void close() {
    context.close();
  }

  /** Collects what an application has. */
  public static final class Builder {
    private final List<String> properties = new ArrayList<>();
    private final List<Class<?>> sources = new ArrayList<>(List.of(Empty.class));
    private final Map<Class<?>, Object> beans = new LinkedHashMap<>();
    private boolean security;

    private Builder(String... properties) {
      this.properties.addAll(List.of(properties));
    }

    /** A bean, which stays its owner's to close. */
    public <T> Builder bean(Class<T> type, T bean) {
      beans.put(type, bean);
      return this;
    }

    Builder source(Class<?> source) {
      sources.add(source);
      return this;
    }

    Builder security() {
      security = true;
      return this;
    }

    /** Starts it. */
    public BootApplication start() {
      SpringApplication application =
          new SpringApplicationBuilder(sources.toArray(Class<?>[]::new))
              .initializers(context -> register((GenericApplicationContext) context))
              .build();
      Map<String, Object> defaults = new LinkedHashMap<>();
      defaults.put("server.port", "0");
      defaults.put("server.address", "127.0.0.1");
      defaults.put("server.shutdown", "immediate");
      defaults.put("spring.reactor.netty.shutdown-quiet-period", "0s");
      defaults.put("spring.main.banner-mode", "off");
      defaults.put("spring.main.register-shutdown-hook", "false");
      if (!security) {
        defaults.put("spring.autoconfigure.exclude", SECURITY);
      }
      for (String property : properties) {
        int equals = property.indexOf('=');
        defaults.put(property.substring(0, equals), property.substring(equals + 1));
      }
      if ("true".equals(defaults.get("llmguard.enabled"))) {
        defaults.putIfAbsent("llmguard.data-dir", temporary().toString());
      }
      application.setDefaultProperties(defaults);
      return new BootApplication(application.run());
    }

    private static Path temporary() {
      try {
        Path folder = Files.createTempDirectory("llmguard-boot");
        folder.toFile().deleteOnExit();
        return folder;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private void register(GenericApplicationContext context) {
      beans.forEach((type, bean) -> register(context, type, bean));
    }

    private static <T> void register(
        GenericApplicationContext context, Class<T> type, Object bean) {
      context.registerBean(
          "test" + type.getSimpleName(),
          type,
          () -> type.cast(bean),
          definition -> definition.setDestroyMethodName(""));
    }
  }
}
