package io.llmguard.servlet;

import io.llmguard.Guard;
import io.llmguard.testkit.HttpContract;
import io.llmguard.testkit.TestAuthority;
import io.llmguard.upstream.Proxy;
import jakarta.servlet.ServletRegistration;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Guard and proxy on the engine of this run. */
record Gateway(Engine.Running running) implements HttpContract.Server {
  static Gateway start(Guard guard, Proxy proxy, Duration bodyDeadline) throws Exception {
    return new Gateway(Engine.current().gateway(guard, proxy, bodyDeadline));
  }

  /** The same, with a port for TLS. */
  static Gateway start(
      Guard guard, Proxy proxy, Duration bodyDeadline, @Nullable TestAuthority authority)
      throws Exception {
    return new Gateway(start(Engine.current(), guard, proxy, bodyDeadline, authority));
  }

  static Engine.Running start(
      Engine engine,
      Guard guard,
      Proxy proxy,
      Duration bodyDeadline,
      @Nullable TestAuthority authority)
      throws Exception {
    return engine.start(
        context -> {
          LlmGuardFilter filter = new LlmGuardFilter(guard);
          filter.bodyDeadline(bodyDeadline);
          filter.addTo(context, "guard", "/*");
          ServletRegistration.Dynamic servlet =
              context.addServlet("proxy", new LlmProxyServlet(proxy));
          servlet.addMapping("/*");
          servlet.setAsyncSupported(true);
        },
        authority);
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
