package io.llmguard.jdbc;

import io.llmguard.budget.Balance;
import io.llmguard.budget.SpendEntry;
import io.llmguard.budget.SpendGroup;
import io.llmguard.budget.SpendLedgerException;
import io.llmguard.budget.SpendQuery;
import io.llmguard.budget.SpendReader;
import io.llmguard.budget.SpendSum;
import io.llmguard.jdbc.internal.SpendQueries;
import io.llmguard.jdbc.internal.SpendTables;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Reads what ledgers have kept in a database; each question has a connection of its own. */
final class JdbcSpendReader implements SpendReader {
  private final DataSource database;

  JdbcSpendReader(DataSource database) {
    this.database = database;
  }

  @Override
  public List<SpendEntry> entries(SpendQuery query, @Nullable String after, int limit) {
    if (limit < 1 || limit > LONGEST_PAGE) {
      throw new IllegalArgumentException("a page has 1 to " + LONGEST_PAGE + " entries: " + limit);
    }
    return read(connection -> SpendQueries.entries(connection, query, after, limit));
  }

  @Override
  public List<SpendSum> sums(SpendQuery query, SpendGroup group) {
    return read(connection -> SpendQueries.sums(connection, query, group));
  }

  Balance balance(String account, Instant now) {
    long millis = now.toEpochMilli();
    return read(
        connection ->
            new SpendTables(connection, ZoneOffset.UTC).account(account, millis).balance(millis));
  }

  private interface Work<T> {
    T with(Connection connection) throws SQLException;
  }

  private <T> T read(Work<T> work) {
    try (Connection connection = database.getConnection()) {
      return work.with(connection);
    } catch (SQLException e) {
      throw new SpendLedgerException("the spend ledger cannot be read", e);
    }
  }
}
