package io.llmguard.servlet;

import io.llmguard.Guard;
import io.llmguard.testkit.TestAuthority;
import io.llmguard.upstream.Proxy;
import jakarta.servlet.ServletContext;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A servlet container for tests; the system property {@code llmguard.engine} says which. */
interface Engine {
  /** Sets up a web application. */
  interface Application {
    void configure(ServletContext context) throws Exception;
  }

  /** A container that serves. */
  interface Running extends AutoCloseable {
    /** The port for HTTP/1.1 in clear. */
    int port();

    /** The port for HTTP/1.1 and HTTP/2 over TLS. */
    int tlsPort();

    @Override
    void close() throws IOException;
  }

  /** Starts the container with an application at its root. */
  default Running start(Application application, @Nullable TestAuthority authority)
      throws Exception {
    return start("", application, authority);
  }

  /**
   * Starts the container on free ports of the loopback address.
   *
   * @param contextPath where the application stands, as {@code /shop}; empty for the root
   * @param authority issued the server's certificate ({@code server}) and those of clients, which
   *     are asked for one; null for no port with TLS
   * @throws Exception whatever keeps the application from starting
   */
  Running start(String contextPath, Application application, @Nullable TestAuthority authority)
      throws Exception;

  /** Starts the container with a whole guard before a proxy, for calls in clear. */
  default Running gateway(String contextPath, Guard guard, Proxy proxy, Duration bodyDeadline)
      throws Exception {
    return Gateway.start(this, contextPath, guard, proxy, bodyDeadline, null);
  }

  /** True if a client that leaves is noticed while nothing is written to it. */
  boolean noticesAtOnce();

  /** The container of this run: {@code JettyEe10} unless set. */
  static Engine current() {
    String name = System.getProperty("llmguard.engine", "JettyEe10");
    try {
      // by name, because each run has the classes of one container only
      Constructor<?> constructor =
          Class.forName(Engine.class.getPackageName() + "." + name + "Engine")
              .getDeclaredConstructor();
      return (Engine) constructor.newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("no engine " + name, e);
    }
  }
}
