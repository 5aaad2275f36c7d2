package io.llmguard.reactive;

import io.llmguard.testkit.TestAuthority;
import io.netty.handler.ssl.ClientAuth;
import java.time.Duration;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManagerFactory;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.http.server.reactive.ContextPathCompositeHandler;
import org.springframework.http.server.reactive.HttpHandler;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import org.springframework.web.reactive.handler.WebFluxResponseStatusExceptionHandler;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebHandler;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import reactor.netty.DisposableServer;
import reactor.netty.http.Http2SslContextSpec;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.server.HttpServer;
import reactor.netty.tcp.SslProvider;

/** WebFlux on Reactor Netty, on a free port of the loopback address. */
final class NettyServer implements AutoCloseable {
  private final DisposableServer server;

  private NettyServer(DisposableServer server) {
    this.server = server;
  }

  /** Starts a server of one handler behind filters. */
  static NettyServer start(WebHandler handler, WebFilter... filters) {
    return startAt("", handler, filters);
  }

  /** The same, in an application that stands at a path, as Spring Boot's {@code base-path} is. */
  static NettyServer startAt(String contextPath, WebHandler handler, WebFilter... filters) {
    HttpHandler http = handler(handler, filters);
    return start(
        contextPath.isEmpty() ? http : new ContextPathCompositeHandler(Map.of(contextPath, http)));
  }

  private static HttpHandler handler(WebHandler handler, WebFilter... filters) {
    return WebHttpHandlerBuilder.webHandler(handler)
        .filter(filters)
        .exceptionHandler(new WebFluxResponseStatusExceptionHandler())
        // made here, because Spring would read a file for it during the first call
        .codecConfigurer(ServerCodecConfigurer.create())
        .build();
  }

  /** Starts a server of this handler. */
  static NettyServer start(HttpHandler http) {
    return start(HttpServer.create(), http);
  }

  /** The same under TLS, for HTTP/1.1 and HTTP/2, which asks clients for a certificate. */
  static NettyServer startTls(TestAuthority authority, WebHandler handler, WebFilter... filters)
      throws Exception {
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(authority.keys("server"), TestAuthority.PASSWORD.toCharArray());
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(authority.trusted());
    SslProvider.GenericSslContextSpec<?> tls =
        Http2SslContextSpec.forServer(keys)
            .configure(context -> context.trustManager(trust).clientAuth(ClientAuth.OPTIONAL));
    return start(
        HttpServer.create()
            .protocol(HttpProtocol.H2, HttpProtocol.HTTP11)
            .secure(spec -> spec.sslContext(tls)),
        handler(handler, filters));
  }

  private static NettyServer start(HttpServer server, HttpHandler http) {
    return new NettyServer(
        server
            .host("127.0.0.1")
            .port(0)
            .handle(new ReactorHttpHandlerAdapter(http))
            .bindNow(Duration.ofSeconds(20)));
  }

  int port() {
    return server.port();
  }

  @Override
  public void close() {
    server.disposeNow(Duration.ofSeconds(20));
  }
}
