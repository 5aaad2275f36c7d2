package io.llmguard.servlet;

import io.llmguard.testkit.TestAuthority;
import java.io.IOException;
import java.net.InetAddress;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.jspecify.annotations.Nullable;

/** What both of Jetty's generations of servlets stand on. */
final class Jetty {
  private Jetty() {}

  /** A server with a connector for HTTP/1.1 and HTTP/2 without TLS. */
  static Server server(Handler handler, @Nullable TestAuthority authority) throws Exception {
    QueuedThreadPool threads = new QueuedThreadPool(16);
    threads.setDaemon(true);
    Server server = new Server(threads);
    HttpConfiguration configuration = configuration();
    add(
        server,
        new ServerConnector(
            server,
            1,
            1,
            new HttpConnectionFactory(configuration),
            new HTTP2CServerConnectionFactory(configuration)));
    if (authority != null) {
      addTls(server, authority);
    }
    server.setHandler(handler);
    return server;
  }

  /** Starts a server, or leaves nothing of it behind. */
  static Running started(Server server) throws Exception {
    try {
      server.start();
      return new Running(server);
    } catch (Exception e) {
      server.stop();
      throw e;
    }
  }

  /** One more connector, for both under TLS. */
  private static void addTls(Server server, TestAuthority authority) throws Exception {
    HttpConfiguration configuration = configuration();
    configuration.addCustomizer(new SecureRequestCustomizer(false));
    ALPNServerConnectionFactory alpn = new ALPNServerConnectionFactory();
    alpn.setDefaultProtocol("http/1.1");
    SslContextFactory.Server tls = new SslContextFactory.Server();
    tls.setKeyStore(authority.keys("server"));
    tls.setKeyStorePassword(TestAuthority.PASSWORD);
    tls.setTrustStore(authority.trusted());
    tls.setWantClientAuth(true);
    add(
        server,
        new ServerConnector(
            server,
            1,
            1,
            new SslConnectionFactory(tls, alpn.getProtocol()),
            alpn,
            new HTTP2ServerConnectionFactory(configuration),
            new HttpConnectionFactory(configuration)));
  }

  private static HttpConfiguration configuration() {
    HttpConfiguration configuration = new HttpConfiguration();
    configuration.setSendServerVersion(false);
    return configuration;
  }

  private static void add(Server server, ServerConnector connector) {
    connector.setHost(InetAddress.getLoopbackAddress().getHostAddress());
    server.addConnector(connector);
  }

  record Running(Server server) implements Engine.Running {
    @Override
    public int port() {
      return port(0);
    }

    @Override
    public int tlsPort() {
      return port(1);
    }

    private int port(int connector) {
      return ((ServerConnector) server.getConnectors()[connector]).getLocalPort();
    }

    @Override
    public void close() throws IOException {
      try {
        server.stop();
      } catch (Exception e) {
        throw new IOException(e);
      }
    }
  }
}
