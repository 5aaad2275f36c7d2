package io.llmguard.examples.gateway.command;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.key.KeyRecord;
import io.llmguard.limit.RateLimit;
import io.llmguard.policy.Scope;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Key records as JSON, without any hash. */
final class KeyJson {
  private static final ObjectMapper JSON = new ObjectMapper();

  private KeyJson() {}

  static String write(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("maps and strings are always JSON", e);
    }
  }

  static Map<String, @Nullable Object> of(KeyRecord record) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("id", record.id());
    fields.put("name", record.name());
    fields.put("owner", record.owner());
    fields.put("team", record.team());
    fields.put("state", record.state().name().toLowerCase(Locale.ROOT));
    fields.put("scopes", record.scopes().stream().map(Scope::word).sorted().toList());
    fields.put("models", record.models().patterns());
    fields.put("requests", limit(record.limits().requests()));
    fields.put("tokens", limit(record.limits().tokens()));
    fields.put("concurrency", record.limits().concurrency());
    fields.put("priority", record.limits().priority());
    fields.put("ceilings", record.limits().ceilings().named());
    fields.put("budget_usd", record.budgetUsd());
    fields.put("budget_window", record.budgetWindow());
    fields.put("networks", record.networks());
    fields.put("created", text(record.createdAt()));
    fields.put("expires", text(record.expiresAt()));
    fields.put("last_used", text(record.lastUsedAt()));
    fields.put("replaced_key_until", text(record.previousUntil()));
    return fields;
  }

  private static @Nullable Object limit(@Nullable RateLimit limit) {
    return limit == null
        ? null
        : Map.of("amount", limit.amount(), "per", limit.per().toString(), "burst", limit.burst());
  }

  static @Nullable String text(@Nullable Instant time) {
    return time == null ? null : time.toString();
  }
}
