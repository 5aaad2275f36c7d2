package io.llmguard.admin.internal;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llmguard.key.KeyBudget;
import io.llmguard.key.KeyRecord;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.RateLimit;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.Scope;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Key records as the answers show them; never with a key. */
final class KeyJson {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private KeyJson() {}

  /** Adds the fields of a record. */
  static ObjectNode of(KeyRecord record, ObjectNode into) {
    LimitSet limits = record.limits();
    into.put("token", record.hash().hex());
    into.put("key_name", record.id());
    into.put("key_alias", record.name());
    into.put("user_id", record.owner());
    into.put("team_id", record.team());
    ArrayNode models = into.putArray("models");
    if (!record.models().equals(ModelAccess.ALL)) {
      record.models().patterns().forEach(models::add);
    }
    into.put("max_budget", record.budgetUsd());
    into.put("budget_duration", record.budgetWindow());
    into.put("soft_budget", record.alertUsd());
    ArrayNode further = into.putArray("budget_limits");
    ObjectNode ofModels = into.putObject("model_max_budget");
    for (KeyBudget budget : record.furtherBudgets()) {
      if (budget.models() != null) {
        ofModels
            .putObject(budget.models())
            .put("budget_limit", budget.usd())
            .put("time_period", budget.window());
      } else {
        further
            .addObject()
            .put("budget_duration", budget.window())
            .put("max_budget", budget.usd())
            .put("tokens", budget.tokens());
      }
    }
    into.put("rpm_limit", perMinute(limits.requests()));
    into.put("tpm_limit", perMinute(limits.tokens()));
    into.put("max_parallel_requests", limits.concurrency());
    ObjectNode modelRates = into.putObject("model_rpm_limit");
    new TreeMap<>(limits.perModel())
        .forEach((model, rate) -> modelRates.put(model, perMinute(rate)));
    into.set("metadata", StrictJson.parse(record.metadata()));
    into.put("blocked", record.state() != KeyRecord.State.ACTIVE);
    into.put("expires", text(record.expiresAt()));
    into.put("created_at", text(record.createdAt()));
    into.put("last_active", text(record.lastUsedAt()));
    into.put("id", record.id());
    into.put("state", record.state().name().toLowerCase(Locale.ROOT));
    ArrayNode scopes = into.putArray("scopes");
    record.scopes().stream().map(Scope::word).sorted().forEach(scopes::add);
    ArrayNode networks = into.putArray("networks");
    record.networks().forEach(networks::add);
    into.put("previous_token_until", text(record.previousUntil()));
    ObjectNode exact = into.putObject("limits");
    limit(exact, "requests", limits.requests());
    limit(exact, "tokens", limits.tokens());
    into.put("priority", limits.priority());
    ObjectNode ceilings = into.putObject("ceilings");
    limits.ceilings().named().forEach(ceilings::putPOJO);
    return into;
  }

  /** The amount of a limit whose period is a minute; null for another, which limits shows. */
  private static @Nullable Long perMinute(@Nullable RateLimit limit) {
    return limit != null && limit.per().equals(MINUTE) ? (Long) limit.amount() : null;
  }

  private static void limit(ObjectNode into, String name, @Nullable RateLimit limit) {
    if (limit == null) {
      into.putNull(name);
    } else {
      into.putObject(name)
          .put("amount", limit.amount())
          .put("per_seconds", limit.per().toMillis() / 1000.0)
          .put("burst", limit.burst());
    }
  }

  private static @Nullable String text(@Nullable Instant time) {
    return time == null ? null : time.toString();
  }
}
