package io.llmguard.examples.gateway.server;

import io.llmguard.assembly.GuardSettings.Limits;
import io.llmguard.assembly.ProxyAssembly;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.GatewayConfig.Deployment;
import io.llmguard.examples.gateway.config.GatewayConfig.UpstreamServer;
import io.llmguard.upstream.DeploymentRouter;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamTransport;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The configured servers, and the proxy in front of them. */
final class Upstreams implements AutoCloseable {
  private final UpstreamTransport transport;
  private final Proxy proxy;

  Upstreams(GatewayConfig config) {
    transport = UpstreamTransport.create(TransportSettings.builder().build());
    Limits limits = config.guard().limits();
    Proxy.Builder builder = Proxy.builder(router(config)).maxDuration(limits.total());
    if (limits.response() != null) {
      builder.maxResponseBytes(limits.response().bytes());
    }
    proxy = builder.build();
  }

  Proxy proxy() {
    return proxy;
  }

  private DeploymentRouter router(GatewayConfig config) {
    UpstreamServer only = config.upstream();
    if (config.models().isEmpty()) {
      if (only == null) {
        throw new Main.UserError("no upstream is configured: set llmguard.upstream or model_list");
      }
      return DeploymentRouter.to(upstream(only, config.guard().limits()));
    }
    Map<UpstreamServer, Upstream> servers = new HashMap<>();
    List<DeploymentRouter.Deployment> deployments = new ArrayList<>();
    for (Deployment model : config.models()) {
      Upstream upstream =
          servers.computeIfAbsent(
              model.server(), server -> upstream(server, config.guard().limits()));
      deployments.add(
          new DeploymentRouter.Deployment(model.name(), upstream, model.upstreamModel()));
    }
    try {
      return DeploymentRouter.to(deployments);
    } catch (IllegalArgumentException e) {
      throw new Main.UserError("model_list: " + e.getMessage(), e);
    }
  }

  private Upstream upstream(UpstreamServer server, Limits limits) {
    return ProxyAssembly.upstream(
        server.name(), URI.create(server.baseUrl()), server.apiKey(), limits, transport);
  }

  @Override
  public void close() {
    transport.close();
  }
}
