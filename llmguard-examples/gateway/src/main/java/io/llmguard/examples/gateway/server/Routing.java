package io.llmguard.examples.gateway.server;

import io.llmguard.Exchange;
import io.llmguard.auth.Caller;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.GatewayConfig.DeploymentLimits;
import io.llmguard.examples.gateway.config.RoutingConfig;
import io.llmguard.upstream.RetryPolicy;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.routing.Availability;
import io.llmguard.upstream.routing.Cooldown;
import io.llmguard.upstream.routing.Deployment;
import io.llmguard.upstream.routing.DeploymentRouter;
import io.llmguard.upstream.routing.Queueing;
import io.llmguard.upstream.routing.RoutingStrategy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes the engine's routing from the configuration's. */
final class Routing {
  private static final Duration FIRST_WAIT = Duration.ofMillis(200);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(8);

  private Routing() {}

  static RetryPolicy retries(RoutingConfig config) {
    RetryPolicy.Builder policy =
        RetryPolicy.builder(config.retries())
            .waits(FIRST_WAIT, max(LONGEST_WAIT, config.retryAfter()))
            .leastWait(config.retryAfter());
    if (config.retryWithin() != null) {
      policy.onlyWithin(config.retryWithin());
    }
    return policy.build();
  }

  private static Duration max(Duration a, Duration b) {
    return a.compareTo(b) > 0 ? a : b;
  }

  static Deployment deployment(GatewayConfig.Deployment model, Upstream upstream) {
    DeploymentLimits limits = model.limits();
    Deployment.Builder deployment =
        Deployment.builder(model.name(), upstream, model.upstreamModel())
            .order(limits.order())
            .parameters(model.parameters());
    if (limits.id() != null) {
      deployment.id(limits.id());
    }
    if (limits.weight() != null && limits.weight() > 0) {
      deployment.weight(limits.weight());
    }
    if (limits.rpm() != null) {
      deployment.requestsPerMinute(limits.rpm());
    }
    if (limits.tpm() != null) {
      deployment.tokensPerMinute(limits.tpm());
    }
    if (limits.maxParallel() != null) {
      deployment.maxParallel(limits.maxParallel());
    }
    if (limits.maxInputTokens() != null) {
      deployment.maxInputTokens(limits.maxInputTokens());
    }
    return deployment.build();
  }

  static DeploymentRouter router(
      RoutingConfig config, List<Deployment> deployments, @Nullable Availability availability) {
    DeploymentRouter.Builder router =
        DeploymentRouter.builder(deployments)
            .strategy(strategy(config))
            .cooldown(
                new Cooldown(config.allowedFails(), config.cooldown(), config.refuseWhileCooling()))
            .queueing(
                new Queueing(
                    config.queueSize(),
                    config.queueWait(),
                    exchange -> priority(config.priorities(), exchange),
                    config.halfLife()))
            .preferLoaded(config.preferLoaded())
            .parameters(config.parameters())
            .defaultFallbacks(config.defaultFallbacks());
    config.fallbacks().forEach(router::fallbacks);
    config.aliases().forEach(router::alias);
    if (config.affinity() != null) {
      router.affinity(config.affinity()).affinityBy(config.affinityBy());
    }
    if (availability != null) {
      router.availability(availability);
    }
    try {
      return router.build();
    } catch (IllegalArgumentException e) {
      throw new Main.UserError("router_settings: " + e.getMessage() + " in model_list", e);
    }
  }

  private static int priority(Map<String, Integer> priorities, Exchange exchange) {
    Caller caller = exchange.caller();
    if (caller == null || priorities.isEmpty()) {
      return 0;
    }
    Integer byId = caller.keyId() == null ? null : priorities.get(caller.keyId());
    return byId != null ? byId : priorities.getOrDefault(caller.getName(), 0);
  }

  private static RoutingStrategy strategy(RoutingConfig config) {
    return switch (config.strategy()) {
      case SIMPLE_SHUFFLE -> RoutingStrategy.simpleShuffle();
      case LEAST_BUSY -> RoutingStrategy.leastBusy();
      case USAGE_BASED_ROUTING, USAGE_BASED_ROUTING_V2 -> RoutingStrategy.usageBased();
      case LATENCY_BASED_ROUTING -> RoutingStrategy.latencyBased(config.latencyBuffer());
    };
  }
}
