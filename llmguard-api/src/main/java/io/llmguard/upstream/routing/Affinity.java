package io.llmguard.upstream.routing;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.llmguard.Exchange;
import io.llmguard.auth.Caller;
import io.llmguard.policy.BodyStage;
import io.llmguard.wire.Call;
import io.llmguard.wire.CheckedBody;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Remembers which deployment a conversation went to, where its prompt is in the cache. A
 * conversation is known by its caller, its model and its beginning; nobody can steer another
 * caller's. Thread-safe.
 */
final class Affinity {
  private static final int MOST = 20_000;

  private final Cache<String, String> deployments;

  Affinity(Duration kept) {
    deployments =
        Caffeine.newBuilder()
            .maximumSize(MOST)
            .expireAfterAccess(kept)
            .executor(Runnable::run)
            .build();
  }

  /** What the call's conversation is known by, or null for a call that has none. */
  @Nullable String conversation(Exchange exchange) {
    CheckedBody body = exchange.get(BodyStage.CHECKED);
    Call call = exchange.call();
    if (body == null || call == null || call.model() == null) {
      return null;
    }
    String beginning = ConversationStart.digest(body.bytes());
    if (beginning == null) {
      return null;
    }
    Caller caller = exchange.caller();
    return (caller == null ? "" : caller.id()) + '\n' + call.model() + '\n' + beginning;
  }

  @Nullable String deploymentOf(String conversation) {
    return deployments.getIfPresent(conversation);
  }

  void keep(String conversation, String deployment) {
    deployments.put(conversation, deployment);
  }
}
