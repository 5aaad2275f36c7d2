package io.llmguard.servlet;

import io.llmguard.Guard;
import io.llmguard.testkit.HttpContract;
import io.llmguard.testkit.TestAuthority;
import io.llmguard.upstream.Proxy;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletRegistration;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Guard and proxy on the engine of this run. */
record Gateway(Engine.Running running) implements HttpContract.Server {
  static Gateway start(Guard guard, Proxy proxy, Duration bodyDeadline) throws Exception {
    return start("", guard, proxy, bodyDeadline);
  }

  /** The same, in an application that stands here. */
  static Gateway start(String contextPath, Guard guard, Proxy proxy, Duration bodyDeadline)
      throws Exception {
    return new Gateway(Engine.current().gateway(contextPath, guard, proxy, bodyDeadline));
  }

  /** The same, with a port for TLS. */
  static Gateway start(
      Guard guard, Proxy proxy, Duration bodyDeadline, @Nullable TestAuthority authority)
      throws Exception {
    return new Gateway(start(Engine.current(), "", guard, proxy, bodyDeadline, authority));
  }

  /** The proxy behind the filters that this adds. */
  static Gateway start(Engine.Application filters, Proxy proxy) throws Exception {
    return new Gateway(
        Engine.current()
            .start(
                context -> {
                  filters.configure(context);
                  add(context, proxy);
                },
                null));
  }

  static Engine.Running start(
      Engine engine,
      String contextPath,
      Guard guard,
      Proxy proxy,
      Duration bodyDeadline,
      @Nullable TestAuthority authority)
      throws Exception {
    return engine.start(
        contextPath,
        context -> {
          LlmGuardFilter filter = new LlmGuardFilter(guard);
          filter.bodyDeadline(bodyDeadline);
          filter.addTo(context, "guard", "/*");
          add(context, proxy);
        },
        authority);
  }

  private static void add(ServletContext context, Proxy proxy) {
    ServletRegistration.Dynamic servlet = context.addServlet("proxy", new LlmProxyServlet(proxy));
    servlet.addMapping("/*");
    servlet.setAsyncSupported(true);
  }

  @Override
  public int port() {
    return running.port();
  }

  int tlsPort() {
    return running.tlsPort();
  }

  @Override
  public void close() throws IOException {
    running.close();
  }
}
