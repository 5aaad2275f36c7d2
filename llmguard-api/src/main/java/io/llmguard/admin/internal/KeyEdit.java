package io.llmguard.admin.internal;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llmguard.budget.BudgetPeriod;
import io.llmguard.key.Expiry;
import io.llmguard.key.KeyBudget;
import io.llmguard.key.KeyRecord;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.RateLimit;
import io.llmguard.network.CidrSet;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.Scope;
import io.llmguard.wire.CallerCeilings;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a request changes in a key's record: a field that was not sent changes nothing, null sets
 * its default.
 */
final class KeyEdit {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final int MOST_BUDGETS = 20;

  /** {@code reset_at} is what LiteLLM answers, and says nothing when it is sent. */
  private static final Set<String> LIMIT_FIELDS =
      Set.of("budget_duration", "max_budget", "tokens", "reset_at");

  private static final Set<String> MODEL_LIMIT_FIELDS =
      Set.of("budget_limit", "max_budget", "time_period", "budget_duration");

  private static final long MAX_RATE = 1_000_000_000_000L;
  private static final Pattern MONTHS = Pattern.compile("([1-9][0-9]{0,3})mo");
  private static final Set<String> EVERY_MODEL = Set.of("*", "all-proxy-models");

  private final Fields fields;
  private final Instant now;

  KeyEdit(Fields fields, Instant now) {
    this.fields = fields;
    this.now = now;
  }

  /** The record with the changes, all of them checked. */
  KeyRecord.Builder apply(KeyRecord base) {
    KeyRecord.Builder edited = base.toBuilder();
    if (fields.has("key_alias")) {
      String alias = fields.text("key_alias");
      edited.name(alias == null || alias.isBlank() ? base.id() : alias);
    }
    if (fields.has("user_id")) {
      edited.owner(fields.text("user_id"));
    }
    if (fields.has("team_id")) {
      edited.team(fields.text("team_id"));
    }
    if (fields.has("duration")) {
      edited.expiresAt(expiry(fields.text("duration")));
    }
    if (fields.has("models")) {
      edited.models(models(fields.texts("models")));
    }
    if (fields.has("scopes") || !fields.isEmpty("key_type")) {
      edited.scopes(scopes());
    }
    if (fields.has("networks")) {
      edited.networks(networks(fields.texts("networks")));
    }
    edited.limits(limits(base.limits()));
    budget(base, edited);
    metadata(base, edited);
    return edited;
  }

  private @Nullable Instant expiry(@Nullable String duration) {
    if (duration == null || duration.equals("-1")) {
      return null;
    }
    Matcher months = MONTHS.matcher(duration);
    if (months.matches()) {
      return now.atOffset(ZoneOffset.UTC).plusMonths(Long.parseLong(months.group(1))).toInstant();
    }
    try {
      return Expiry.parse(duration, now);
    } catch (IllegalArgumentException e) {
      throw BadCall.request(
          "duration must be a period such as 30s, 30m, 30h, 30d or 1mo, or -1 for never");
    }
  }

  private static ModelAccess models(@Nullable List<String> patterns) {
    if (patterns == null
        || patterns.isEmpty()
        || (patterns.size() == 1 && EVERY_MODEL.contains(patterns.get(0)))) {
      return ModelAccess.ALL;
    }
    for (String pattern : patterns) {
      if (pattern.startsWith("all-") && pattern.endsWith("-models")) {
        throw BadCall.request(
            "models: " + Names.shown(pattern) + " stands alone or is not known; name the models");
      }
      if (pattern.isBlank()) {
        throw BadCall.request("models: a name is empty");
      }
    }
    return ModelAccess.of(patterns);
  }

  private Set<Scope> scopes() {
    List<String> words = fields.texts("scopes");
    if (words == null) {
      String type = fields.text("key_type");
      return switch (type == null ? "default" : type) {
        case "default", "llm_api" -> Scope.DEFAULTS;
        case "read_only" -> EnumSet.of(Scope.MODELS_READ);
        default ->
            throw BadCall.request(
                "key_type must be llm_api, read_only or default; for an administrator send"
                    + " scopes: [\"admin\"]");
      };
    }
    Set<Scope> scopes = EnumSet.noneOf(Scope.class);
    for (String word : words) {
      Scope scope = Scope.of(word);
      if (scope == null) {
        throw BadCall.request(
            "scopes: there is no scope "
                + Names.shown(word)
                + "; there are inference, embeddings, models:read, models:write, admin");
      }
      scopes.add(scope);
    }
    return scopes;
  }

  private static List<String> networks(@Nullable List<String> blocks) {
    if (blocks == null) {
      return List.of();
    }
    try {
      CidrSet.parse(blocks);
    } catch (IllegalArgumentException e) {
      throw BadCall.request("networks must be CIDR blocks such as 10.0.0.0/8");
    }
    return blocks;
  }

  private LimitSet limits(LimitSet base) {
    RateLimit requests = rate("rpm_limit", base.requests());
    RateLimit tokens = rate("tpm_limit", base.tokens());
    Integer concurrency = base.concurrency();
    if (fields.has("max_parallel_requests")) {
      Long calls = fields.number("max_parallel_requests", 1, 1_000_000);
      concurrency = calls == null ? null : (Integer) calls.intValue();
    }
    Map<String, RateLimit> perModel = base.perModel();
    if (fields.has("model_rpm_limit")) {
      Map<String, Long> rates = fields.numbers("model_rpm_limit", 1, MAX_RATE);
      Map<String, RateLimit> read = new LinkedHashMap<>();
      if (rates != null) {
        rates.forEach((model, rate) -> read.put(model, RateLimit.whole(rate, MINUTE)));
      }
      perModel = read;
    }
    CallerCeilings ceilings = fields.has("ceilings") ? ceilings() : base.ceilings();
    Integer priority = base.priority();
    if (fields.has("priority")) {
      Long number = fields.number("priority", -LimitSet.MOST_PRIORITY, LimitSet.MOST_PRIORITY);
      priority = number == null ? null : (Integer) number.intValue();
    }
    return new LimitSet(requests, tokens, concurrency, perModel, ceilings, priority);
  }

  private CallerCeilings ceilings() {
    ObjectNode object = fields.object("ceilings");
    Map<String, Object> named = new LinkedHashMap<>();
    if (object != null) {
      for (Map.Entry<String, JsonNode> entry : object.properties()) {
        JsonNode value = entry.getValue();
        named.put(
            entry.getKey(),
            value.isNumber()
                ? value.numberValue()
                : value.isBoolean()
                    ? (Object) value.booleanValue()
                    : value.isNull() ? null : value.asText());
      }
    }
    try {
      return CallerCeilings.parse(named);
    } catch (IllegalArgumentException e) {
      throw BadCall.request("ceilings: " + e.getMessage());
    }
  }

  private @Nullable RateLimit rate(String name, @Nullable RateLimit base) {
    if (!fields.has(name)) {
      return base;
    }
    Long amount = fields.number(name, 1, MAX_RATE);
    return amount == null ? null : RateLimit.whole(amount, MINUTE);
  }

  private void budget(KeyRecord base, KeyRecord.Builder edited) {
    BigDecimal usd = fields.has("max_budget") ? fields.amount("max_budget") : base.budgetUsd();
    String window =
        fields.has("budget_duration")
            ? window("budget_duration", fields.text("budget_duration"))
            : base.budgetWindow();
    BigDecimal alert = fields.has("soft_budget") ? fields.amount("soft_budget") : base.alertUsd();
    if (alert != null && alert.signum() == 0) {
      alert = null;
    }
    if (alert != null && usd != null && alert.compareTo(usd) > 0) {
      throw BadCall.request("soft_budget must not be above max_budget");
    }
    List<KeyBudget> further = new ArrayList<>();
    further.addAll(fields.has("budget_limits") ? furtherBudgets() : budgets(base, false));
    further.addAll(fields.has("model_max_budget") ? modelBudgets() : budgets(base, true));
    Set<String> windows = new HashSet<>();
    if (usd != null || alert != null) {
      windows.add("usd " + window);
    }
    for (KeyBudget budget : further) {
      boolean twice =
          budget.models() == null
              && !windows.add((budget.usd() == null ? "tokens " : "usd ") + budget.window());
      if (twice) {
        throw BadCall.request(
            "budget_limits: there are two budgets of the window " + budget.window());
      }
    }
    edited.budget(usd, window).alertUsd(alert).furtherBudgets(further);
  }

  private static List<KeyBudget> budgets(KeyRecord base, boolean ofModels) {
    return base.furtherBudgets().stream()
        .filter(budget -> (budget.models() != null) == ofModels)
        .toList();
  }

  /** LiteLLM has two names for each of the fields. */
  private List<KeyBudget> modelBudgets() {
    Map<String, Fields> entries = fields.namedObjects("model_max_budget", MOST_BUDGETS);
    List<KeyBudget> budgets = new ArrayList<>();
    for (Map.Entry<String, Fields> named :
        (entries == null ? Map.<String, Fields>of() : entries).entrySet()) {
      Fields entry = named.getValue();
      for (String name : entry.names()) {
        if (!MODEL_LIMIT_FIELDS.contains(name)) {
          throw BadCall.request("a budget in model_max_budget has no field " + Names.shown(name));
        }
      }
      String amount = entry.has("budget_limit") ? "budget_limit" : "max_budget";
      String period = entry.has("time_period") ? "time_period" : "budget_duration";
      BigDecimal usd = entry.amountOrText(amount);
      String window = window("model_max_budget." + period, entry.text(period));
      if (named.getKey().isBlank() || usd == null || window == null) {
        throw BadCall.request(
            "each of model_max_budget must have a model's name, budget_limit and time_period");
      }
      budgets.add(new KeyBudget(usd, null, window, named.getKey()));
    }
    return budgets;
  }

  private List<KeyBudget> furtherBudgets() {
    List<Fields> entries = fields.objects("budget_limits", MOST_BUDGETS);
    List<KeyBudget> budgets = new ArrayList<>();
    for (Fields entry : entries == null ? List.<Fields>of() : entries) {
      String where = "budget_limits[" + budgets.size() + "]";
      for (String name : entry.names()) {
        if (!LIMIT_FIELDS.contains(name)) {
          throw BadCall.request(where + " has no field " + Names.shown(name));
        }
      }
      String window = window(where + ".budget_duration", entry.text("budget_duration"));
      BigDecimal usd = entry.amount("max_budget");
      Long tokens = entry.number("tokens", 0, Long.MAX_VALUE);
      if (window == null || (usd == null) == (tokens == null)) {
        throw BadCall.request(where + " must have budget_duration, and max_budget or tokens");
      }
      budgets.add(new KeyBudget(usd, tokens, window));
    }
    return budgets;
  }

  private static @Nullable String window(String where, @Nullable String text) {
    if (text == null) {
      return null;
    }
    try {
      return BudgetPeriod.parse(text).toString();
    } catch (IllegalArgumentException e) {
      throw BadCall.request(where + ": " + e.getMessage());
    }
  }

  private void metadata(KeyRecord base, KeyRecord.Builder edited) {
    ObjectNode metadata = fields.has("metadata") ? fields.object("metadata") : null;
    List<String> tags = fields.texts("tags");
    if (!fields.has("metadata") && tags == null) {
      return;
    }
    if (metadata == null) {
      metadata =
          !fields.has("metadata") && StrictJson.parse(base.metadata()) instanceof ObjectNode kept
              ? kept
              : StrictJson.object();
    }
    if (tags != null) {
      ArrayNode list = metadata.putArray("tags");
      tags.forEach(list::add);
    }
    String text = StrictJson.write(metadata);
    if (text.length() > KeyRecord.MAX_METADATA) {
      throw BadCall.request(
          "metadata must have at most " + KeyRecord.MAX_METADATA + " characters of JSON");
    }
    edited.metadata(text);
  }
}
