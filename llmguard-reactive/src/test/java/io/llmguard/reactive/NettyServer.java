package io.llmguard.reactive;

import java.time.Duration;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.http.server.reactive.HttpHandler;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import org.springframework.web.reactive.handler.WebFluxResponseStatusExceptionHandler;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebHandler;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** WebFlux on Reactor Netty, on a free port of the loopback address. */
final class NettyServer implements AutoCloseable {
  private final DisposableServer server;

  private NettyServer(DisposableServer server) {
    this.server = server;
  }

  /** Starts a server of one handler behind filters. */
  static NettyServer start(WebHandler handler, WebFilter... filters) {
    HttpHandler http =
        WebHttpHandlerBuilder.webHandler(handler)
            .filter(filters)
            .exceptionHandler(new WebFluxResponseStatusExceptionHandler())
            // made here, because Spring would read a file for it during the first call
            .codecConfigurer(ServerCodecConfigurer.create())
            .build();
    return start(http);
  }

  /** Starts a server of this handler. */
  static NettyServer start(HttpHandler http) {
    return new NettyServer(
        HttpServer.create()
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
