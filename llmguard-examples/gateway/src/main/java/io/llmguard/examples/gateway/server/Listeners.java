package io.llmguard.examples.gateway.server;

import io.llmguard.examples.gateway.config.HostPort;
import io.llmguard.examples.gateway.tls.ServerTls;
import java.time.Duration;
import org.eclipse.jetty.http.HttpCompliance;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.jspecify.annotations.Nullable;

/** Makes the gateway's connectors. */
final class Listeners {
  /** The name of the connector of calls. */
  static final String MAIN = "main";

  /** The name of the connector of administration, where it has its own. */
  static final String ADMIN = "admin";

  private static final int LARGEST_HEAD = 32 * 1024;

  private Listeners() {}

  /**
   * A connector of HTTP/1.1, over TLS where certificates are given.
   *
   * @param head how long the head of a call may be awaited, and how long it may take
   */
  static ServerConnector at(
      Server server, HostPort where, String name, @Nullable ServerTls tls, Duration head) {
    HttpConfiguration http = configuration();
    ServerConnector connector;
    if (tls == null) {
      connector = new ServerConnector(server, 1, 1, new HeadTimedConnections(http, head));
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
              new HeadTimedConnections(http, head));
    }
    connector.setHost(where.host());
    connector.setPort(where.port());
    connector.setName(name);
    connector.setIdleTimeout(head.toMillis());
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
