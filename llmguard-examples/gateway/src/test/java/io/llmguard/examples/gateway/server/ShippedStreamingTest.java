package io.llmguard.examples.gateway.server;

import io.llmguard.Guard;
import io.llmguard.examples.gateway.config.HostPort;
import io.llmguard.servlet.LlmGuardFilter;
import io.llmguard.servlet.LlmProxyServlet;
import io.llmguard.testkit.StreamingContract;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.UpstreamTransport;
import io.llmguard.upstream.jetty.JettyTransport;
import jakarta.servlet.DispatcherType;
import java.io.IOException;
import java.time.Duration;
import java.util.EnumSet;
import org.eclipse.jetty.ee10.servlet.FilterHolder;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.ServerConnector;

/** The streaming contract on the gateway's own listener, over the transport that it ships with. */
class ShippedStreamingTest extends StreamingContract {
  ShippedStreamingTest() {}

  @Override
  protected UpstreamTransport transport() {
    return new JettyTransport(TransportSettings.builder().build());
  }

  @Override
  protected boolean noticesAtOnce() {
    return true;
  }

  @Override
  protected Server start(Guard guard, Proxy proxy) throws Exception {
    org.eclipse.jetty.server.Server server = new org.eclipse.jetty.server.Server();
    ServerConnector listener =
        Listeners.at(
            server, new HostPort("127.0.0.1", 0), Listeners.MAIN, null, Duration.ofSeconds(60));
    server.addConnector(listener);
    ServletContextHandler context = new ServletContextHandler("/");
    context.getServletHandler().setDecodeAmbiguousURIs(true);
    LlmGuardFilter filter = new LlmGuardFilter(guard);
    filter.asyncDispatch(true);
    filter.bodyDeadline(BODY_DEADLINE);
    FilterHolder holder = new FilterHolder(filter);
    holder.setAsyncSupported(true);
    context.addFilter(holder, "/*", EnumSet.of(DispatcherType.REQUEST, DispatcherType.ASYNC));
    ServletHolder servlet = new ServletHolder(new LlmProxyServlet(proxy));
    servlet.setAsyncSupported(true);
    context.addServlet(servlet, "/*");
    server.setHandler(context);
    server.setStopTimeout(0);
    server.start();
    return new Server() {
      @Override
      public int port() {
        return listener.getLocalPort();
      }

      @Override
      public void close() throws IOException {
        try {
          server.stop();
        } catch (Exception e) {
          throw new IOException(e);
        }
      }
    };
  }
}
