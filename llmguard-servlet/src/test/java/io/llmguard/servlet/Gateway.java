package io.llmguard.servlet;

import io.llmguard.Guard;
import io.llmguard.testkit.HttpContract;
import io.llmguard.upstream.Proxy;
import jakarta.servlet.ServletRegistration;
import java.io.IOException;
import java.time.Duration;

/** The whole filter before the proxy servlet, on the engine of this run. */
final class Gateway {
  private Gateway() {}

  static HttpContract.Server start(Guard guard, Proxy proxy, Duration bodyDeadline)
      throws Exception {
    Engine.Running running =
        Engine.current()
            .start(
                context -> {
                  LlmGuardFilter filter = new LlmGuardFilter(guard);
                  filter.bodyDeadline(bodyDeadline);
                  filter.addTo(context, "guard", "/*");
                  ServletRegistration.Dynamic servlet =
                      context.addServlet("proxy", new LlmProxyServlet(proxy));
                  servlet.addMapping("/*");
                  servlet.setAsyncSupported(true);
                },
                null);
    return new HttpContract.Server() {
      @Override
      public int port() {
        return running.port();
      }

      @Override
      public void close() throws IOException {
        running.close();
      }
    };
  }
}
