package io.llmguard.jdbc.internal;

import io.llmguard.budget.SpendEntry;
import io.llmguard.budget.SpendGroup;
import io.llmguard.budget.SpendQuery;
import io.llmguard.budget.SpendSum;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is asked of the settled calls. */
public final class SpendQueries {
  private final StringBuilder where = new StringBuilder(" WHERE process IS NULL");
  private final List<Object> values = new ArrayList<>();

  private SpendQueries(SpendQuery query) {
    if (query.since() != null) {
      and("at >= ?", query.since().toEpochMilli());
    }
    if (query.until() != null) {
      and("at < ?", query.until().toEpochMilli());
    }
    and("caller = ?", query.caller());
    and("team = ?", query.team());
    and("user_name = ?", query.user());
    and("model = ?", query.model());
  }

  private void and(String condition, @Nullable Object value) {
    if (value != null) {
      where.append(" AND ").append(condition);
      values.add(value);
    }
  }

  private PreparedStatement prepared(Connection connection, String sql) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    for (int i = 0; i < values.size(); i++) {
      if (values.get(i) instanceof Long number) {
        statement.setLong(i + 1, number);
      } else {
        statement.setString(i + 1, SpendTables.clean(values.get(i).toString()));
      }
    }
    return statement;
  }

  /** A page of calls, the latest first. */
  public static List<SpendEntry> entries(
      Connection connection, SpendQuery query, @Nullable String after, int limit)
      throws SQLException {
    SpendQueries asked = new SpendQueries(query);
    asked.and("id < ?", after);
    List<SpendEntry> entries = new ArrayList<>();
    try (PreparedStatement select =
            asked.prepared(
                connection,
                "SELECT "
                    + SpendTables.COLUMNS
                    + " FROM llmguard_spend"
                    + asked.where
                    + " ORDER BY id DESC LIMIT "
                    + limit);
        ResultSet rows = select.executeQuery()) {
      while (rows.next()) {
        entries.add(SpendTables.read(rows));
      }
    }
    return entries;
  }

  /** Sums by group. */
  public static List<SpendSum> sums(Connection connection, SpendQuery query, SpendGroup group)
      throws SQLException {
    SpendQueries asked = new SpendQueries(query);
    String column =
        switch (group) {
          case ALL -> null;
          case CALLER -> "caller";
          case TEAM -> "team";
          case USER -> "user_name";
          case MODEL -> "model";
          case UPSTREAM -> "upstream";
          case DAY -> "local_day";
        };
    String sql =
        "SELECT "
            + (column == null ? "NULL" : column)
            + ", max(caller_name), count(*), sum(input_tokens), sum(output_tokens),"
            + " sum(cost_nano_usd), sum(estimated) FROM llmguard_spend"
            + asked.where
            + (column == null ? "" : " GROUP BY " + column)
            + (group == SpendGroup.DAY
                ? " ORDER BY 1"
                : " ORDER BY 6 DESC, sum(input_tokens + output_tokens) DESC");
    List<SpendSum> sums = new ArrayList<>();
    try (PreparedStatement select = asked.prepared(connection, sql);
        ResultSet rows = select.executeQuery()) {
      while (rows.next()) {
        if (rows.getLong(3) > 0) {
          String key = rows.getString(1);
          sums.add(
              new SpendSum(
                  key,
                  group == SpendGroup.CALLER ? rows.getString(2) : key,
                  rows.getLong(3),
                  rows.getLong(4),
                  rows.getLong(5),
                  rows.getLong(6),
                  rows.getLong(7)));
        }
      }
    }
    return sums;
  }
}
