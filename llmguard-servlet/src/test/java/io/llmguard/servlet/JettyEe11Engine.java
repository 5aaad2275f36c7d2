package io.llmguard.servlet;

import jakarta.servlet.ServletContainerInitializer;
import org.eclipse.jetty.ee11.servlet.ServletContextHandler;
import org.eclipse.jetty.server.Server;

/** Jetty with ee11. */
final class JettyEe11Engine implements Engine {
  @Override
  public Running start(Application application) throws Exception {
    ServletContextHandler handler = new ServletContextHandler("/");
    ServletContainerInitializer initializer =
        (classes, context) -> {
          try {
            application.configure(context);
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        };
    handler.addServletContainerInitializer(initializer);
    Server server = Jetty.server(handler);
    server.start();
    return new Jetty.Running(server);
  }

  @Override
  public boolean noticesAtOnce() {
    return true;
  }
}
