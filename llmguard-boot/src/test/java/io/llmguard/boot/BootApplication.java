package io.llmguard.boot;

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
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.util.FileSystemUtils;

/**
 * A Spring Boot application with nothing but its auto-configuration, servlet or reactive by what is
 * on the class path, on a free port of the loopback address; what differs from Boot to Boot is not
 * named here.
 */
public final class BootApplication implements HttpContract.Server {
  /** Spring Security's, which would lock every application of these tests, in both majors. */
  private static final String SECURITY =
      String.join(
          ",",
          "org.springframework.boot.autoconfigure.security.servlet.SecurityAutoConfiguration",
          "org.springframework.boot.autoconfigure.security.servlet.SecurityFilterAutoConfiguration",
          "org.springframework.boot.autoconfigure.security.servlet.UserDetailsServiceAutoConfiguration",
          "org.springframework.boot.actuate.autoconfigure.security.servlet.ManagementWebSecurityAutoConfiguration",
          "org.springframework.boot.autoconfigure.security.reactive.ReactiveSecurityAutoConfiguration",
          "org.springframework.boot.autoconfigure.security.reactive.ReactiveUserDetailsServiceAutoConfiguration",
          "org.springframework.boot.actuate.autoconfigure.security.reactive.ReactiveManagementWebSecurityAutoConfiguration",
          "org.springframework.boot.security.autoconfigure.SecurityAutoConfiguration",
          "org.springframework.boot.security.autoconfigure.UserDetailsServiceAutoConfiguration",
          "org.springframework.boot.security.autoconfigure.ReactiveUserDetailsServiceAutoConfiguration",
          "org.springframework.boot.security.autoconfigure.web.servlet.ServletWebSecurityAutoConfiguration",
          "org.springframework.boot.security.autoconfigure.web.servlet.SecurityFilterAutoConfiguration",
          "org.springframework.boot.security.autoconfigure.web.reactive.ReactiveWebSecurityAutoConfiguration",
          "org.springframework.boot.security.autoconfigure.actuate.web.servlet.ManagementWebSecurityAutoConfiguration",
          "org.springframework.boot.security.autoconfigure.actuate.web.reactive.ReactiveManagementWebSecurityAutoConfiguration");

  private final ConfigurableApplicationContext context;
  private final @Nullable Path temporary;

  private BootApplication(ConfigurableApplicationContext context, @Nullable Path temporary) {
    this.context = context;
    this.temporary = temporary;
  }

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  static class Empty {}

  /** An application with these properties. */
  public static Builder with(String... properties) {
    return new Builder(properties);
  }

  /** The guard and the proxy as beans of an application that is otherwise configured by itself. */
  public static Builder gateway(
      String contextPath, Guard guard, Proxy proxy, Duration bodyDeadline) {
    return with(
            "llmguard.enabled=true",
            "server.servlet.context-path=" + contextPath,
            "spring.webflux.base-path=" + contextPath,
            "llmguard.web.paths=/**",
            "llmguard.web.async-dispatch=true",
            "llmguard.proxy.paths=/**",
            "llmguard.limits.body-time=" + bodyDeadline.toMillis() + "ms")
        .bean(Guard.class, guard)
        .bean(Proxy.class, proxy);
  }

  /** The port that it is bound to. */
  @Override
  public int port() {
    return Integer.parseInt(
        String.valueOf(context.getEnvironment().getProperty("local.server.port")));
  }

  /** Its beans. */
  public ConfigurableApplicationContext context() {
    return context;
  }

  @Override
  public void close() {
    context.close();
    if (temporary != null) {
      FileSystemUtils.deleteRecursively(temporary.toFile());
    }
  }

  /** Collects what an application has. */
  public static final class Builder {
    private final List<String> properties = new ArrayList<>();
    private final List<Class<?>> sources = new ArrayList<>(List.of(Empty.class));
    private final Map<Class<?>, Object> beans = new LinkedHashMap<>();
    private final List<Consumer<GenericApplicationContext>> initializers = new ArrayList<>();
    private boolean security;

    private Builder(String... properties) {
      this.properties.addAll(List.of(properties));
    }

    /** A bean, which stays its owner's to close. */
    public <T> Builder bean(Class<T> type, T bean) {
      beans.put(type, bean);
      return this;
    }

    /** Beans, by their configuration. */
    public Builder source(Class<?> source) {
      sources.add(source);
      return this;
    }

    /** With Spring Security, which is left out otherwise. */
    public Builder security() {
      security = true;
      return this;
    }

    /** Changes the context before it is refreshed. */
    public Builder initializer(Consumer<GenericApplicationContext> value) {
      initializers.add(value);
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
      boolean keeps =
          "true".equals(defaults.get("llmguard.enabled"))
              && !defaults.containsKey("llmguard.data-dir");
      Path temporary = keeps ? temporary() : null;
      if (temporary != null) {
        defaults.put("llmguard.data-dir", temporary.toString());
      }
      application.setDefaultProperties(defaults);
      try {
        return new BootApplication(application.run(), temporary);
      } catch (RuntimeException e) {
        if (temporary != null) {
          FileSystemUtils.deleteRecursively(temporary.toFile());
        }
        throw e;
      }
    }

    private static Path temporary() {
      try {
        return Files.createTempDirectory("llmguard-boot");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private void register(GenericApplicationContext context) {
      beans.forEach((type, bean) -> register(context, type, bean));
      initializers.forEach(initializer -> initializer.accept(context));
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
