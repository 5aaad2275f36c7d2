package io.llmguard.reactive;

import io.llmguard.Guard;
import io.llmguard.reactive.boot.BootApplication;
import io.llmguard.testkit.HttpContract;
import io.llmguard.upstream.Proxy;
import java.io.IOException;
import java.time.Duration;

/** The whole filter before the proxy handler. */
final class Gateway {
  private Gateway() {}

  static HttpContract.Server start(Guard guard, Proxy proxy, Duration bodyDeadline) {
    if ("Boot".equals(System.getProperty("llmguard.engine"))) {
      return BootApplication.gateway(guard, proxy, bodyDeadline);
    }
    NettyServer server =
        NettyServer.start(
            new LlmProxyHandler(proxy), new LlmGuardWebFilter(guard).bodyDeadline(bodyDeadline));
    return new HttpContract.Server() {
      @Override
      public int port() {
        return server.port();
      }

      @Override
      public void close() throws IOException {
        server.close();
      }
    };
  }
}
