package io.llmguard.reactive;

import io.llmguard.Guard;
import io.llmguard.boot.BootApplication;
import io.llmguard.testkit.HttpContract;
import io.llmguard.upstream.Proxy;
import java.io.IOException;
import java.time.Duration;

/** The whole filter before the proxy handler. */
final class Gateway {
  private Gateway() {}

  static HttpContract.Server start(Guard guard, Proxy proxy, Duration bodyDeadline) {
    return start("", guard, proxy, bodyDeadline);
  }

  /** The same, in an application that stands here. */
  static HttpContract.Server start(
      String contextPath, Guard guard, Proxy proxy, Duration bodyDeadline) {
    if ("Boot".equals(System.getProperty("llmguard.engine"))) {
      return BootApplication.gateway(contextPath, guard, proxy, bodyDeadline).start();
    }
    NettyServer server =
        NettyServer.startAt(
            contextPath,
            new LlmProxyHandler(proxy),
            new LlmGuardWebFilter(guard).bodyDeadline(bodyDeadline));
    return closing(server, () -> {});
  }

  /** A server, and what is closed with it. */
  static HttpContract.Server closing(NettyServer server, AutoCloseable owned) {
    return new HttpContract.Server() {
      @Override
      public int port() {
        return server.port();
      }

      @Override
      public void close() throws IOException {
        server.close();
        try {
          owned.close();
        } catch (Exception e) {
          throw new IOException(e);
        }
      }
    };
  }
}
