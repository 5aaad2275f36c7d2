package io.llmguard.servlet;

import io.llmguard.testkit.TestAuthority;
import jakarta.servlet.ServletContainerInitializer;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.server.Server;
import org.jspecify.annotations.Nullable;

/** Jetty with ee10. */
final class JettyEe10Engine implements Engine {
  @Override
  public Running start(
      String contextPath, Application application, @Nullable TestAuthority authority)
      throws Exception {
    ServletContextHandler handler =
        new ServletContextHandler(contextPath.isEmpty() ? "/" : contextPath);
    ServletContainerInitializer initializer =
        (classes, context) -> {
          try {
            application.configure(context);
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        };
    handler.addServletContainerInitializer(initializer);
    Server server = Jetty.server(handler, authority);
    return Jetty.started(server);
  }

  @Override
  public boolean noticesAtOnce() {
    return true;
  }
}
