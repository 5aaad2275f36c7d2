package io.llmguard.jdbc.internal;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llmguard.key.KeyBudget;
import io.llmguard.key.KeyHash;
import io.llmguard.key.KeyRecord;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.RateLimit;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.Scope;
import io.llmguard.wire.CallerCeilings;
import java.math.BigDecimal;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A key record as a row of the table {@code llmguard_key}. */
public final class KeyRow {
  /** The columns that an administrator may edit, in the order of {@link #setEditable}. */
  public static final List<String> EDITABLE =
      List.of(
          "name",
          "owner",
          "team",
          "scopes",
          "models",
          "limits",
          "budget_usd",
          "budget_window",
          "networks",
          "expires_at",
          "metadata",
          "alert_usd",
          "budgets");

  /** The columns of a record. */
  public static final String COLUMNS =
      String.join(", ", EDITABLE)
          + ", id, hash, previous_hash, previous_until, created_at, last_used_at, state";

  /** How many columns a record has. */
  public static final int COLUMN_COUNT = COLUMNS.split(",", -1).length;

  private static final Logger log = LoggerFactory.getLogger(KeyRow.class);

  /** The hash of no key, for a row whose own cannot be read. */
  private static final KeyHash NO_HASH = KeyHash.parse("0".repeat(64));

  private static final JsonMapper JSON = JsonMapper.builder().build();

  private KeyRow() {}

  /** Sets the editable columns as parameters 1 to 13; answers the next one's number. */
  public static int setEditable(PreparedStatement into, KeyRecord record) throws SQLException {
    into.setString(1, record.name());
    into.setString(2, record.owner());
    into.setString(3, record.team());
    into.setString(4, scopes(record.scopes()));
    into.setString(5, strings(record.models().patterns()));
    into.setString(6, limits(record.limits()));
    into.setString(7, text(record.budgetUsd()));
    into.setString(8, record.budgetWindow());
    into.setString(9, strings(record.networks()));
    setTime(into, 10, record.expiresAt());
    into.setString(11, record.metadata());
    into.setString(12, text(record.alertUsd()));
    into.setString(13, budgets(record.furtherBudgets()));
    return 14;
  }

  private static @Nullable String text(@Nullable BigDecimal amount) {
    return amount == null ? null : amount.toPlainString();
  }

  private static @Nullable BigDecimal amount(@Nullable String text) {
    return text == null ? null : new BigDecimal(text);
  }

  /** Sets all columns as parameters 1 to 20, in the order of {@link #COLUMNS}. */
  public static int setAll(PreparedStatement into, KeyRecord record) throws SQLException {
    KeyHash previous = record.previousHash();
    int next = setEditable(into, record);
    into.setString(next++, record.id());
    into.setString(next++, record.hash().hex());
    into.setString(next++, previous == null ? null : previous.hex());
    setTime(into, next++, record.previousUntil());
    setTime(into, next++, record.createdAt());
    setTime(into, next++, record.lastUsedAt());
    into.setString(next++, word(record.state()));
    return next;
  }

  /** Sets a time in milliseconds since 1970, or null. */
  public static void setTime(PreparedStatement into, int at, @Nullable Instant time)
      throws SQLException {
    if (time == null) {
      into.setNull(at, java.sql.Types.BIGINT);
    } else {
      into.setLong(at, time.toEpochMilli());
    }
  }

  /** The state as it stands in its column. */
  public static String word(KeyRecord.State state) {
    return state.name().toLowerCase(Locale.ROOT);
  }

  /** The record of the current row. */
  public static KeyRecord read(ResultSet row) throws SQLException {
    Instant created = time(row, "created_at");
    if (created == null) {
      throw new Unreadable("a key without its time of creation", null);
    }
    String previous = row.getString("previous_hash");
    return KeyRecord.builder(row.getString("id"), KeyHash.parse(row.getString("hash")), created)
        .previous(previous == null ? null : KeyHash.parse(previous), time(row, "previous_until"))
        .name(row.getString("name"))
        .owner(row.getString("owner"))
        .team(row.getString("team"))
        .scopes(scopes(row.getString("scopes")))
        .models(ModelAccess.of(strings(row.getString("models"))))
        .limits(limits(row.getString("limits")))
        .budget(amount(row.getString("budget_usd")), row.getString("budget_window"))
        .alertUsd(amount(row.getString("alert_usd")))
        .furtherBudgets(budgets(row.getString("budgets")))
        .networks(strings(row.getString("networks")))
        .expiresAt(time(row, "expires_at"))
        .lastUsedAt(time(row, "last_used_at"))
        .metadata(row.getString("metadata"))
        .state(KeyRecord.State.valueOf(row.getString("state").toUpperCase(Locale.ROOT)))
        .build();
  }

  /** A row that this program does not understand, where the database itself is well. */
  private static final class Unreadable extends SQLException {
    private static final long serialVersionUID = 1L;

    Unreadable(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * The record of the current row; where it cannot be read, as when a newer program has written it,
   * a record that lets nobody in, so that one row does not keep all others away. Null if not even
   * its id can be used.
   */
  public static @Nullable KeyRecord readOrBlock(ResultSet row) throws SQLException {
    try {
      return read(row);
    } catch (Unreadable | RuntimeException e) {
      return blocked(row, e);
    }
  }

  private static @Nullable KeyRecord blocked(ResultSet row, Exception why) throws SQLException {
    String id = row.getString("id");
    Instant created = time(row, "created_at");
    KeyHash hash = hash(row.getString("hash"));
    KeyHash previous = hash(row.getString("previous_hash"));
    boolean revoked = word(KeyRecord.State.REVOKED).equals(row.getString("state"));
    KeyRecord record;
    try {
      record =
          KeyRecord.builder(
                  id, hash == null ? NO_HASH : hash, created == null ? Instant.EPOCH : created)
              .previous(previous, previous == null ? null : Instant.EPOCH)
              .scopes(Set.of())
              .state(revoked ? KeyRecord.State.REVOKED : KeyRecord.State.BLOCKED)
              .build();
    } catch (RuntimeException e) {
      log.error("a key is left out: neither its row nor its id can be read");
      return null;
    }
    // the class only: a message may hold what stands in the row
    log.error("key {} is blocked here: its row cannot be read: {}", id, why.getClass().getName());
    return record;
  }

  private static @Nullable KeyHash hash(@Nullable String hex) {
    try {
      return hex == null ? null : KeyHash.parse(hex);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static @Nullable Instant time(ResultSet row, String column) throws SQLException {
    long millis = row.getLong(column);
    return row.wasNull() ? null : Instant.ofEpochMilli(millis);
  }

  private static String scopes(Set<Scope> scopes) {
    return String.join(" ", scopes.stream().map(Scope::word).sorted().toList());
  }

  private static Set<Scope> scopes(String words) throws SQLException {
    EnumSet<Scope> scopes = EnumSet.noneOf(Scope.class);
    for (String word : words.split(" ", -1)) {
      Scope scope = Scope.of(word);
      if (scope != null) {
        scopes.add(scope);
      } else if (!word.isEmpty()) {
        throw new Unreadable("a key with an unknown scope", null);
      }
    }
    return scopes;
  }

  private static String strings(List<String> texts) throws SQLException {
    ArrayNode array = JSON.createArrayNode();
    texts.forEach(array::add);
    return write(array);
  }

  private static List<String> strings(String json) throws SQLException {
    List<String> texts = new ArrayList<>();
    for (JsonNode text : parse(json)) {
      texts.add(text.asText());
    }
    return texts;
  }

  private static @Nullable String budgets(List<KeyBudget> budgets) throws SQLException {
    if (budgets.isEmpty()) {
      return null;
    }
    ArrayNode array = JSON.createArrayNode();
    for (KeyBudget budget : budgets) {
      array
          .addObject()
          .put("usd", text(budget.usd()))
          .put("tokens", budget.tokens())
          .put("window", budget.window())
          .put("models", budget.models());
    }
    return write(array);
  }

  private static List<KeyBudget> budgets(@Nullable String json) throws SQLException {
    List<KeyBudget> budgets = new ArrayList<>();
    if (json != null) {
      for (JsonNode budget : parse(json)) {
        JsonNode tokens = budget.path("tokens");
        budgets.add(
            new KeyBudget(
                amount(budget.path("usd").textValue()),
                tokens.isNumber() ? tokens.longValue() : null,
                budget.path("window").textValue(),
                budget.path("models").textValue()));
      }
    }
    return budgets;
  }

  private static @Nullable String limits(LimitSet limits) throws SQLException {
    if (limits.equals(LimitSet.CONFIGURED)) {
      return null;
    }
    ObjectNode json = JSON.createObjectNode();
    put(json, "requests", limits.requests());
    put(json, "tokens", limits.tokens());
    Integer concurrency = limits.concurrency();
    if (concurrency != null) {
      json.put("concurrency", concurrency);
    }
    Integer priority = limits.priority();
    if (priority != null) {
      json.put("priority", priority);
    }
    ObjectNode perModel = json.putObject("per_model");
    new TreeMap<>(limits.perModel()).forEach((model, rate) -> put(perModel, model, rate));
    Map<String, Object> ceilings = limits.ceilings().named();
    if (!ceilings.isEmpty()) {
      json.set("ceilings", JSON.valueToTree(ceilings));
    }
    return write(json);
  }

  private static void put(ObjectNode into, String name, @Nullable RateLimit rate) {
    if (rate != null) {
      into.putObject(name)
          .put("amount", rate.amount())
          .put("per", rate.per().toString())
          .put("burst", rate.burst());
    }
  }

  private static LimitSet limits(@Nullable String text) throws SQLException {
    if (text == null) {
      return LimitSet.CONFIGURED;
    }
    JsonNode json = parse(text);
    Map<String, RateLimit> perModel = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : json.path("per_model").properties()) {
      RateLimit rate = rate(entry.getValue());
      if (rate != null) {
        perModel.put(entry.getKey(), rate);
      }
    }
    JsonNode concurrency = json.path("concurrency");
    JsonNode priority = json.path("priority");
    return new LimitSet(
        rate(json.path("requests")),
        rate(json.path("tokens")),
        concurrency.isInt() ? concurrency.intValue() : null,
        perModel,
        ceilings(json.path("ceilings")),
        priority.isInt() ? priority.intValue() : null);
  }

  private static CallerCeilings ceilings(JsonNode json) throws SQLException {
    Map<String, Object> named = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : json.properties()) {
      JsonNode value = entry.getValue();
      named.put(
          entry.getKey(),
          value.isNumber()
              ? value.numberValue()
              : value.isBoolean() ? value.booleanValue() : value.asText());
    }
    try {
      return CallerCeilings.parse(named);
    } catch (IllegalArgumentException e) {
      throw new Unreadable("a key with ceilings that cannot be read", e);
    }
  }

  private static @Nullable RateLimit rate(JsonNode json) {
    return json.isObject()
        ? new RateLimit(
            json.path("amount").longValue(),
            Duration.parse(json.path("per").asText()),
            json.path("burst").longValue())
        : null;
  }

  private static String write(JsonNode json) throws SQLException {
    try {
      return JSON.writeValueAsString(json);
    } catch (JsonProcessingException e) {
      throw new SQLException("a key that cannot be written as JSON", e);
    }
  }

  private static JsonNode parse(String json) throws SQLException {
    try {
      return JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new Unreadable("a key with a column that is no JSON", e);
    }
  }
}
