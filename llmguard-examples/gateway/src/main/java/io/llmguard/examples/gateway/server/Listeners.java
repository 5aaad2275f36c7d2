package io.llmguard.examples.gateway.server;

import io.llmguard.examples.gateway.config.HostPort;
import io.llmguard.examples.gateway.tls.ServerTls;
import org.eclipse.jetty.http.HttpCompliance;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.jspecify.annotations.Nullable;

/** Makes the gateway's connectors. */
final class Listeners {
  private static final int LARGEST_HEAD = 32 * 1024;

  private Listeners() {}

  /** A connector of HTTP/1.1, over TLS where certificates are given. */
  static ServerConnector at(Server server, HostPort where, String name, @Nullable ServerTls tls) {
    HttpConfiguration http = configuration();
    ServerConnector connector;
    if (tls == null) {
      connector = new ServerConnector(server, 1, 1, new HttpConnectionFactory(http));
    } else {
      // the guard judges Host itself, with the same rules under TLS and without
      SecureRequestCustomizer customizer = new SecureRequestCustomizer(false);
      http.addCustomizer(customizer);
      connector =
          new ServerConnector(
              server,
              1,
              1,
              new SslConnectionFactory(tls.forJetty(), "http/1.1"),
              new HttpConnectionFactory(http));
    }
    connector.setHost(where.host());
    connector.setPort(where.port());
    connector.setName(name);
    // streams may be silent while a model loads; the proxy's own timers end what takes too long
    connector.setIdleTimeout(Long.MAX_VALUE / 2);
    return connector;
  }

  private static HttpConfiguration configuration() {
    HttpConfiguration http = new HttpConfiguration();
    http.setSendServerVersion(false);
    http.setSendXPoweredBy(false);
    http.setRequestHeaderSize(LARGEST_HEAD);
    // odd paths reach the guard, which refuses them and writes them down
    http.setUriCompliance(UriCompliance.UNSAFE);
    http.setHttpCompliance(HttpCompliance.RFC7230);
    http.setRelativeRedirectAllowed(true);
    return http;
  }
}
