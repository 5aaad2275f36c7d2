package io.llmguard.upstream.routing;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.llmguard.Exchange;
import io.llmguard.auth.Caller;
import io.llmguard.policy.BodyStage;
import io.llmguard.wire.CheckedBody;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Remembers which deployment has a prompt's beginning in its cache. A conversation is known by its
 * caller, its model and its beginning, and nobody can steer another caller's; a shared system
 * prompt by its model and its digest. Thread-safe.
 */
final class Affinity {
  /** Of more than these, those are forgotten that nobody has asked for longest. */
  static final int MOST = 20_000;

  /** How many more calls than another a server may have to be preferred for a shared prompt. */
  private static final int MORE_CALLS = 4;

  private final AffinityKey by;
  private final Cache<String, String> deployments;

  Affinity(Duration kept, AffinityKey by) {
    this.by = by;
    deployments =
        Caffeine.newBuilder()
            .maximumSize(MOST)
            .expireAfterAccess(kept)
            .executor(Runnable::run)
            .build();
  }

  /**
   * What the beginning of a call's prompt is known by.
   *
   * @param text what it is remembered by
   * @param shared whether calls of other callers have the same
   */
  record Beginning(String text, boolean shared) {}

  /**
   * What the beginning of the call's prompt is known by, or null for a call that has none.
   *
   * @param model what tells the model from others
   */
  @Nullable Beginning of(Exchange exchange, String model) {
    CheckedBody body = exchange.get(BodyStage.CHECKED);
    if (body == null || exchange.call() == null) {
      return null;
    }
    if (by == AffinityKey.PREFIX) {
      String prompt = SystemPrompt.digest(body.bytes());
      if (prompt != null) {
        return new Beginning("system\n" + model + '\n' + prompt, true);
      }
    }
    String beginning = ConversationStart.digest(body.bytes());
    if (beginning == null) {
      return null;
    }
    Caller caller = exchange.caller();
    String who = caller == null ? "" : caller.id();
    return new Beginning("conversation\n" + who + '\n' + model + '\n' + beginning, false);
  }

  /** The deployment that is remembered, where it is one of these and not too busy; or null. */
  @Nullable DeploymentState choose(Beginning beginning, List<DeploymentState> left) {
    String before = deployments.getIfPresent(beginning.text());
    DeploymentState kept = null;
    int least = Integer.MAX_VALUE;
    for (DeploymentState state : left) {
      least = Math.min(least, state.inFlight());
      if (state.deployment().id().equals(before)) {
        kept = state;
      }
    }
    boolean crowded =
        kept != null && beginning.shared() && kept.inFlight() > 2 * (long) least + MORE_CALLS;
    return crowded ? null : kept;
  }

  /** Remembers where a prompt's beginning is now, unless it is remembered at one of these. */
  void keep(Beginning beginning, DeploymentState chosen, List<DeploymentState> left) {
    String before = deployments.getIfPresent(beginning.text());
    boolean there =
        beginning.shared()
            && left.stream().anyMatch(state -> state.deployment().id().equals(before));
    if (!there) {
      deployments.put(beginning.text(), chosen.deployment().id());
    }
  }

  /** About how many are remembered. */
  long size() {
    deployments.cleanUp();
    return deployments.estimatedSize();
  }
}
