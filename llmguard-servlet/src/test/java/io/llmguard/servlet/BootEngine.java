package io.llmguard.servlet;

import io.llmguard.Guard;
import io.llmguard.boot.BootApplication;
import io.llmguard.testkit.TestAuthority;
import io.llmguard.upstream.Proxy;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.web.servlet.ServletContextInitializer;

/** The Tomcat of a Spring Boot application, whichever Boot is on the class path. */
final class BootEngine implements Engine {
  @Override
  public Running start(
      String contextPath, Application application, @Nullable TestAuthority authority) {
    if (authority != null) {
      throw new IllegalArgumentException("TLS is the business of an application's own server");
    }
    ServletContextInitializer initializer =
        context -> {
          try {
            application.configure(context);
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        };
    return running(
        BootApplication.with("llmguard.enabled=false", "server.servlet.context-path=" + contextPath)
            .bean(ServletContextInitializer.class, initializer));
  }

  /** The guard and the proxy as beans of an application that is otherwise configured by itself. */
  @Override
  public Running gateway(String contextPath, Guard guard, Proxy proxy, Duration bodyDeadline) {
    return running(BootApplication.gateway(contextPath, guard, proxy, bodyDeadline));
  }

  private static Running running(BootApplication.Builder application) {
    BootApplication started = application.start();
    return new Running() {
      @Override
      public int port() {
        return started.port();
      }

      @Override
      public int tlsPort() {
        throw new IllegalStateException("no TLS");
      }

      @Override
      public void close() {
        started.close();
      }
    };
  }

  @Override
  public boolean noticesAtOnce() {
    return false;
  }
}
