package io.llmguard.upstream.routing;

import io.llmguard.Exchange;
import io.llmguard.upstream.AttemptResult;
import io.llmguard.upstream.Placement;
import io.llmguard.wire.Call;
import io.llmguard.wire.Usage;

/** A place at a deployment that a call has taken. */
final class Lease implements Placement {
  private final Balancer balancer;
  private final ModelGroup group;
  private final DeploymentState state;
  private final DeploymentState.Taken taken;
  private final Turn turn;
  private final Exchange exchange;

  Lease(
      Balancer balancer,
      ModelGroup group,
      DeploymentState state,
      DeploymentState.Taken taken,
      Turn turn,
      Exchange exchange) {
    this.balancer = balancer;
    this.group = group;
    this.state = state;
    this.taken = taken;
    this.turn = turn;
    this.exchange = exchange;
  }

  /** What a call counts for in its key's share until it ends. */
  record Turn(String key, double estimate, long begun) {}

  Turn turn() {
    return turn;
  }

  DeploymentState state() {
    return state;
  }

  DeploymentState.Taken taken() {
    return taken;
  }

  ModelGroup group() {
    return group;
  }

  @Override
  public String deployment() {
    return state.deployment().id();
  }

  @Override
  public String model() {
    return group.name();
  }

  @Override
  public void ended(AttemptResult result) {
    balancer.ended(this, result, used(result));
  }

  /** What the upstream reported, else the prompt's estimate and the pieces that came. */
  private DeploymentState.Used used(AttemptResult result) {
    if (result.status() < 200 || result.status() > 299) {
      return new DeploymentState.Used(0, 0);
    }
    Usage usage = exchange.meter().usage();
    if (usage != null) {
      return new DeploymentState.Used(bounded(usage.inputTokens()), bounded(usage.outputTokens()));
    }
    Call call = exchange.call();
    long prompt = call == null ? 0 : call.details().promptTokens();
    return new DeploymentState.Used(bounded(prompt), bounded(exchange.meter().outputEvents()));
  }

  /** No upstream's claim keeps it from being asked for longer than a large call would. */
  private static long bounded(long tokens) {
    return Math.max(0, Math.min(tokens, 10_000_000));
  }
}
