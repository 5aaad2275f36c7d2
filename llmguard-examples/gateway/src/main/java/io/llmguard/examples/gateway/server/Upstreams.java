package io.llmguard.examples.gateway.server;

import io.llmguard.assembly.GuardSettings.Limits;
import io.llmguard.budget.SpendFields;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.GatewayConfig.UpstreamServer;
import io.llmguard.examples.gateway.config.GatewayConfig.UpstreamTls;
import io.llmguard.examples.gateway.config.RoutingConfig;
import io.llmguard.examples.gateway.tls.UpstreamContexts;
import io.llmguard.upstream.AnswerFields;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamTimeouts;
import io.llmguard.upstream.UpstreamTransport;
import io.llmguard.upstream.routing.Deployment;
import io.llmguard.upstream.routing.DeploymentRouter;
import io.llmguard.upstream.routing.UpstreamProber;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The configured servers, and the proxy in front of them. */
final class Upstreams implements AutoCloseable {
  private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(5);

  private final Resources resources = new Resources();
  private final Map<String, UpstreamTransport> transports = new HashMap<>();
  private final List<Placed> placed = new ArrayList<>();
  private final Map<UpstreamServer, Upstream> servers = new ConcurrentHashMap<>();
  private final Limits limits;
  private final DeploymentRouter router;
  private final Proxy proxy;

  /** A configured deployment, and what the router knows it as. */
  record Placed(GatewayConfig.Deployment configured, Deployment deployment) {}

  Upstreams(GatewayConfig config) {
    limits = config.guard().limits();
    RoutingConfig routing = config.routing();
    AnswerFields fields = AnswerFields.standard().and(SpendFields.standard());
    if (routing.litellmHeaders()) {
      fields = fields.and(AnswerFields.litellm(routing.retries())).and(SpendFields.litellm());
    }
    try {
      router = router(config);
      Proxy.Builder builder =
          Proxy.builder(router)
              .maxDuration(limits.total())
              .retries(Routing.retries(routing))
              .answerFields(fields);
      if (limits.response() != null) {
        builder.maxResponseBytes(limits.response().bytes());
      }
      proxy = builder.build();
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  Proxy proxy() {
    return proxy;
  }

  DeploymentRouter router() {
    return router;
  }

  /**
   * The deployments of a configuration's list of models, in its order.
   *
   * @param config that of these servers, or one that differs in prices only
   */
  List<Placed> deployments(GatewayConfig config) {
    List<Placed> same = new ArrayList<>();
    for (int i = 0; i < placed.size(); i++) {
      same.add(new Placed(config.models().get(i), placed.get(i).deployment()));
    }
    return same;
  }

  /** The way to a configured server, with its TLS, its credential and its headers. */
  Upstream of(UpstreamServer server) {
    return servers.computeIfAbsent(server, this::upstream);
  }

  private DeploymentRouter router(GatewayConfig config) {
    UpstreamServer only = config.upstream();
    if (config.models().isEmpty()) {
      if (only == null) {
        throw new Main.UserError("no upstream is configured: set llmguard.upstream or model_list");
      }
      return DeploymentRouter.to(of(only), config.routing().parameters());
    }
    List<Deployment> deployments = new ArrayList<>();
    for (GatewayConfig.Deployment model : config.models()) {
      Upstream upstream = of(model.server());
      try {
        Deployment deployment = Routing.deployment(model, upstream);
        deployments.add(deployment);
        placed.add(new Placed(model, deployment));
      } catch (IllegalArgumentException e) {
        throw new Main.UserError("model_list: " + e.getMessage(), e);
      }
    }
    return router(config.routing(), deployments);
  }

  private DeploymentRouter router(RoutingConfig config, List<Deployment> deployments) {
    List<Upstream> servers = Deployment.upstreams(deployments);
    if (config.probes() == null || servers.size() < 2) {
      return Routing.router(config, deployments, null); // there is nothing to choose between
    }
    UpstreamProber prober = resources.open(new UpstreamProber(servers, PROBE_TIMEOUT));
    DeploymentRouter router = Routing.router(config, deployments, prober);
    prober.start(config.probes(), router::probed);
    return router;
  }

  private Upstream upstream(UpstreamServer server) {
    GatewayConfig.UpstreamOptions options = server.options();
    Upstream.Builder upstream =
        Upstream.builder(
                server.name(), URI.create(server.baseUrl()), transport(server, options.tls()))
            .timeouts(timeouts(options.firstByte()))
            .streamTimeouts(timeouts(options.streamFirstByte()))
            .nativeApi(server.ollama())
            .cancelOnClientGone(options.cancel());
    options
        .headers()
        .forEach(
            (name, value) -> {
              try {
                upstream.header(name, value.value());
              } catch (IllegalArgumentException e) {
                throw new Main.UserError(
                    "model_list: the header " + name + " of " + server.name() + " is malformed", e);
              }
            });
    if (server.apiKey() != null) {
      upstream.credential("Authorization", "Bearer " + server.apiKey().value());
    }
    return upstream.build();
  }

  private UpstreamTimeouts timeouts(@Nullable Duration firstByte) {
    return new UpstreamTimeouts(
        limits.connect(),
        firstByte == null ? limits.firstByte() : firstByte,
        limits.idle(),
        limits.total());
  }

  /** One for each way of TLS, so that no server is shown what is for another. */
  private UpstreamTransport transport(UpstreamServer server, @Nullable UpstreamTls tls) {
    String key = tls == null ? "" : tls.ca() + "\n" + tls.certificate() + "\n" + tls.key();
    UpstreamTransport known = transports.get(key);
    if (known != null) {
      return known;
    }
    TransportSettings.Builder settings = TransportSettings.builder();
    if (tls != null) {
      try {
        settings.tls(UpstreamContexts.of(tls));
      } catch (RuntimeException e) {
        throw new Main.UserError(
            "llmguard.upstreams: the files of " + server.name() + " hold no usable PEM", e);
      }
    }
    UpstreamTransport made = resources.open(UpstreamTransport.create(settings.build()));
    transports.put(key, made);
    return made;
  }

  @Override
  public void close() {
    resources.close();
  }
}
