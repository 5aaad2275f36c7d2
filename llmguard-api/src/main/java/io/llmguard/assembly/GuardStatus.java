package io.llmguard.assembly;

import io.llmguard.Guard;
import io.llmguard.Stage;
import io.llmguard.StoreBacked;
import io.llmguard.audit.AuditQueue;
import io.llmguard.audit.AuditStage;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyLookup;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a guard's parts stand at one moment, for health checks and status pages.
 *
 * @param serving true if calls can be admitted
 * @param details the parts by name, each with its figures; holds no secret and nothing of any call
 */
public record GuardStatus(boolean serving, Map<String, Map<String, Object>> details) {
  /**
   * Asks the parts.
   *
   * @param guard the guard, whose stages tell whether their stores answer
   * @param keys where keys are looked up, or null where that is unknown
   * @param audit the audit trail, or null for none
   */
  public static GuardStatus of(Guard guard, @Nullable KeyLookup keys, @Nullable AuditStage audit) {
    Map<String, Map<String, Object>> details = new LinkedHashMap<>();
    boolean serving = true;
    if (keys instanceof KeyDirectory directory) {
      KeyDirectory.Health health = directory.health();
      Map<String, Object> figures = new LinkedHashMap<>();
      figures.put("serving", health.serving());
      figures.put("failures", health.failures());
      figures.put("records", health.records());
      if (health.age() != null) {
        figures.put("ageMillis", health.age().toMillis());
      }
      details.put("keys", figures);
      serving = health.serving();
    }
    if (audit != null) {
      AuditQueue.State state = audit.queue().state();
      Map<String, Object> figures = new LinkedHashMap<>();
      figures.put("healthy", state.healthy());
      figures.put("queued", state.queued());
      figures.put("written", state.written());
      figures.put("refused", state.refused());
      figures.put("lost", state.lost());
      if (state.failingSince() != null) {
        figures.put("failingSince", state.failingSince().toString());
      }
      details.put("audit", figures);
      serving &= state.healthy();
    }
    for (Stage stage : guard.stages()) {
      if (stage instanceof StoreBacked backed) {
        boolean available = backed.storeAvailable();
        details.put(
            stage.name(), Map.of("storeAvailable", available, "failsOpen", backed.failsOpen()));
        serving &= available || backed.failsOpen();
      }
    }
    return new GuardStatus(serving, details);
  }
}
