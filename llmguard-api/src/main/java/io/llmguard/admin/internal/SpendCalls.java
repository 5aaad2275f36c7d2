package io.llmguard.admin.internal;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llmguard.TimeSource;
import io.llmguard.budget.NanoUsd;
import io.llmguard.budget.SpendEntry;
import io.llmguard.budget.SpendGroup;
import io.llmguard.budget.SpendQuery;
import io.llmguard.budget.SpendReader;
import io.llmguard.budget.SpendSum;
import io.llmguard.key.KeyRecord;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The calls about what was spent. Thread-safe; blocks on the ledger. */
public final class SpendCalls {
  private static final int MAX_DAYS = 366;
  private static final int DEFAULT_LOGS = 1000;
  private static final Duration GLOBAL = Duration.ofDays(30);

  private final SpendReader reader;
  private final ZoneId days;
  private final @Nullable BigDecimal maxBudget;
  private final TimeSource time;
  private final KeyCalls keys;

  /**
   * Calls on a ledger.
   *
   * @param days in which zone days are told
   * @param maxBudget what everybody together may spend, in USD, or null
   */
  public SpendCalls(
      SpendReader reader,
      ZoneId days,
      @Nullable BigDecimal maxBudget,
      TimeSource time,
      KeyCalls keys) {
    this.reader = reader;
    this.days = days;
    this.maxBudget = maxBudget;
    this.time = time;
    this.keys = keys;
  }

  /** {@code GET /spend/logs}: calls, the latest first, or days where both dates are given. */
  public ArrayNode logs(AdminCall call) {
    Query query =
        call.query(
            "api_key",
            "user_id",
            "team_id",
            "model",
            "request_id",
            "start_date",
            "end_date",
            "summarize",
            "after",
            "limit");
    SpendQuery asked =
        SpendQuery.ALL
            .user(query.text("user_id"))
            .team(query.text("team_id"))
            .model(query.text("model"));
    String key = query.text("api_key");
    if (key != null) {
      KeyRecord record = keys.find(call, "api_key", key);
      asked = asked.caller(record.id());
    }
    LocalDate start = date(query, "start_date");
    LocalDate end = date(query, "end_date");
    if (start != null) {
      asked = asked.since(start.atStartOfDay(days).toInstant());
    }
    if (end != null) {
      asked = asked.until(end.plusDays(1).atStartOfDay(days).toInstant());
    }
    String id = query.text("request_id");
    if (id != null) {
      return one(asked, id);
    }
    boolean summarize = query.text("summarize") == null || query.bool("summarize");
    if (start != null && end != null && summarize) {
      return byDay(asked, start, end);
    }
    ArrayNode logs = StrictJson.object().putArray("logs");
    int limit = query.number("limit", DEFAULT_LOGS, 1, SpendReader.LONGEST_PAGE);
    String after = query.text("after");
    if (after != null && !isId(after)) {
      throw BadCall.request("after must be the request_id of the last call of the page before");
    }
    reader.entries(asked, after, limit).forEach(entry -> log(entry, logs.addObject()));
    return logs;
  }

  private static boolean isId(String text) {
    return text.matches("[0-9a-f]{32}");
  }

  private static @Nullable LocalDate date(Query query, String name) {
    String text = query.text(name);
    if (text == null) {
      return null;
    }
    try {
      // some clients send a time behind the date
      return LocalDate.parse(text.length() > 10 ? text.substring(0, 10) : text);
    } catch (DateTimeException e) {
      throw BadCall.request(name + " must be a date such as 2026-01-31");
    }
  }

  private ArrayNode one(SpendQuery asked, String id) {
    ArrayNode logs = StrictJson.object().putArray("logs");
    if (isId(id)) {
      // ids sort by time: the call is the first behind its successor
      String successor = String.format("%032x", new BigInteger(id, 16).add(BigInteger.ONE));
      reader.entries(asked, successor, 1).stream()
          .filter(entry -> entry.id().equals(id))
          .forEach(entry -> log(entry, logs.addObject()));
    }
    return logs;
  }

  private ArrayNode byDay(SpendQuery asked, LocalDate start, LocalDate end) {
    if (end.isBefore(start) || ChronoUnit.DAYS.between(start, end) > MAX_DAYS) {
      throw BadCall.request(
          "end_date must not be before start_date, nor more than " + MAX_DAYS + " days behind it");
    }
    ArrayNode list = StrictJson.object().putArray("days");
    for (SpendSum day : reader.sums(asked, SpendGroup.DAY)) {
      if (day.group() == null) {
        continue;
      }
      LocalDate date = LocalDate.parse(day.group());
      SpendQuery ofDay =
          asked
              .since(date.atStartOfDay(days).toInstant())
              .until(date.plusDays(1).atStartOfDay(days).toInstant());
      ObjectNode item = list.addObject();
      item.put("startTime", day.group());
      item.put("spend", NanoUsd.toUsd(day.costNanoUsd()));
      item.put("calls", day.calls());
      item.put("prompt_tokens", day.inputTokens());
      item.put("completion_tokens", day.outputTokens());
      spendBy(ofDay, SpendGroup.USER, item.putObject("users"));
      spendBy(ofDay, SpendGroup.MODEL, item.putObject("models"));
    }
    return list;
  }

  private void spendBy(SpendQuery query, SpendGroup group, ObjectNode into) {
    for (SpendSum sum : reader.sums(query, group)) {
      into.put(sum.group() == null ? "" : sum.group(), NanoUsd.toUsd(sum.costNanoUsd()));
    }
  }

  private static void log(SpendEntry entry, ObjectNode into) {
    into.put("request_id", entry.id());
    into.put("call_type", entry.path());
    into.put("api_key", entry.who().credentialHash());
    into.put("spend", NanoUsd.toUsd(entry.costNanoUsd()));
    into.put("total_tokens", entry.tokens());
    into.put("prompt_tokens", entry.usage().inputTokens());
    into.put("completion_tokens", entry.usage().outputTokens());
    into.put("startTime", entry.at().toString());
    into.put("endTime", entry.at().plus(entry.duration()).toString());
    into.put("model", entry.model());
    into.put("user", entry.who().user());
    into.put("team_id", entry.who().team());
    into.put("status", entry.status());
    into.put("outcome", entry.outcome());
    into.put("upstream", entry.upstream());
    into.put("key_id", entry.who().keyId());
    into.put("key_alias", entry.who().name());
    into.put("tokens_estimated", entry.usage().estimated());
  }

  /** {@code GET /global/spend}: what everybody has spent in the last 30 days. */
  public ObjectNode global(AdminCall call) {
    call.query();
    Instant since = time.now().minus(GLOBAL);
    ObjectNode answer = StrictJson.object();
    answer.put("spend", NanoUsd.toUsd(total(SpendQuery.ALL.since(since))));
    answer.put("max_budget", maxBudget);
    return answer;
  }

  /** What the key of a record has spent in all, in USD. */
  BigDecimal spentBy(KeyRecord record) {
    return NanoUsd.toUsd(total(SpendQuery.ALL.caller(record.id())));
  }

  private long total(SpendQuery query) {
    List<SpendSum> sums = reader.sums(query, SpendGroup.ALL);
    return sums.isEmpty() ? 0 : sums.get(0).costNanoUsd();
  }
}
