package io.llmguard.upstream.routing;

import io.llmguard.Exchange;
import io.llmguard.Refusal;
import io.llmguard.policy.ModelAccess;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The deployments of one name, and the calls that wait for one of them. */
final class ModelGroup {
  private final String name;
  private final String prefix;
  private final @Nullable String suffix;
  private final List<DeploymentState> deployments;
  private final FairQueue<Balancer.Waiter> queue = new FairQueue<>();

  ModelGroup(String name, List<DeploymentState> deployments) {
    this.name = name;
    this.deployments = List.copyOf(deployments);
    int star = name.indexOf('*');
    prefix = star < 0 ? name : name.substring(0, star);
    suffix = star < 0 ? null : name.substring(star + 1);
  }

  String name() {
    return name;
  }

  List<DeploymentState> deployments() {
    return deployments;
  }

  /** Why a call is refused by what is decided for one of the deployments, or null. */
  @Nullable Refusal refusal(Exchange exchange) {
    for (DeploymentState state : deployments) {
      Refusal refusal = ParameterRules.refusal(exchange, state.parameters());
      if (refusal != null) {
        return refusal;
      }
    }
    return null;
  }

  /** True if one of its deployments may have another call; used under the router's lock. */
  boolean hasRoom() {
    for (DeploymentState state : deployments) {
      if (state.hasRoom()) {
        return true;
      }
    }
    return false;
  }

  /** Used under the router's lock. */
  FairQueue<Balancer.Waiter> queue() {
    return queue;
  }

  boolean isWildcard() {
    return suffix != null;
  }

  /** How much of a name the wildcard does not leave open. */
  int precision() {
    return prefix.length() + (suffix == null ? 0 : suffix.length());
  }

  /** What the {@code *} stands for in this name, or null if the name does not fit. */
  @Nullable String captured(String alias) {
    String end = suffix;
    if (end == null) {
      return ModelAccess.canonical(alias).equals(ModelAccess.canonical(name)) ? "" : null;
    }
    boolean fits =
        alias.length() > prefix.length() + end.length()
            && alias.startsWith(prefix)
            && alias.endsWith(end);
    return fits ? alias.substring(prefix.length(), alias.length() - end.length()) : null;
  }

  /** The upstream's name for the model that a client calls {@code alias}. */
  static String modelAt(Deployment deployment, @Nullable String captured) {
    return captured == null ? deployment.model() : deployment.model().replace("*", captured);
  }

  /** The client's name for what an upstream calls {@code model}, or null if it is none of these. */
  static @Nullable String aliasOf(Deployment deployment, String model) {
    String pattern = deployment.model();
    int star = pattern.indexOf('*');
    if (star < 0) {
      return ModelAccess.canonical(pattern).equals(ModelAccess.canonical(model))
              && deployment.alias().indexOf('*') < 0
          ? deployment.alias()
          : null;
    }
    String end = pattern.substring(star + 1);
    if (model.length() <= star + end.length()
        || !model.startsWith(pattern.substring(0, star))
        || !model.endsWith(end)) {
      return null;
    }
    String captured = model.substring(star, model.length() - end.length());
    return deployment.alias().replace("*", captured);
  }
}
