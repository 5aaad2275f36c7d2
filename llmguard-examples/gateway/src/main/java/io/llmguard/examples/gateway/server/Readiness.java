package io.llmguard.examples.gateway.server;

import io.llmguard.audit.AuditQueue;
import io.llmguard.key.KeyDirectory;
import org.jspecify.annotations.Nullable;

/** Whether calls can be served, from what is known already: nobody is asked for it. */
final class Readiness {
  private Readiness() {}

  /**
   * What keeps calls from being served, in one word that names nothing of the configuration.
   *
   * @return null if nothing does
   */
  static @Nullable String missing(
      boolean draining,
      KeyDirectory.Health keys,
      boolean budgets,
      AuditQueue.State trail,
      boolean coolingDown) {
    if (draining) {
      return "draining";
    }
    if (!keys.serving()) {
      return "keys";
    }
    if (!budgets) {
      return "budgets";
    }
    if (!trail.healthy()) {
      return "audit";
    }
    return coolingDown ? "upstreams" : null;
  }
}
