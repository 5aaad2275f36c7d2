package io.llmguard.jdbc;

import io.llmguard.TimeSource;
import io.llmguard.budget.Balance;
import io.llmguard.budget.Hold;
import io.llmguard.budget.Payment;
import io.llmguard.budget.SpendEntry;
import io.llmguard.budget.SpendGroup;
import io.llmguard.budget.SpendLedger;
import io.llmguard.budget.SpendLedgerException;
import io.llmguard.budget.SpendQuery;
import io.llmguard.budget.SpendReader;
import io.llmguard.budget.SpendSum;
import io.llmguard.budget.Verdict;
import io.llmguard.jdbc.internal.SpendTables;
import io.llmguard.jdbc.internal.SpendWriter;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.concurrent.CompletionStage;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Counts spend in a relational database, SQLite or PostgreSQL, by the same statements.
 *
 * <p>Several processes may share one database and act as one: accounts are locked in it while they
 * are changed. One thread writes what has come meanwhile in one transaction; callers wait for
 * nothing but the answer to a reservation. An answer that does not come within 5 seconds is a
 * failure; what was spent is kept and tried again until it is written.
 *
 * <p>A call whose process died is settled with all that it had reserved, by the next process to
 * start on the same machine, or after a minute by any. Thread-safe; the data source stays open.
 */
public final class JdbcSpendLedger implements SpendLedger {
  private final JdbcSpendReader reader;
  private final SpendWriter writer;

  /**
   * A ledger in this database, whose tables are made or brought up to date. Blocks.
   *
   * @param database the database; one of its connections is kept
   * @param time where windows are measured
   * @param days in which zone days are told
   * @throws SpendLedgerException if the database cannot be reached, or its tables are newer than
   *     this program
   * @throws IllegalArgumentException if it is neither SQLite nor PostgreSQL
   */
  public JdbcSpendLedger(DataSource database, TimeSource time, ZoneId days) {
    reader = new JdbcSpendReader(database);
    try {
      SpendTables.SCHEMA.migrate(database);
      writer = SpendWriter.start(database, time, days);
    } catch (SQLException e) {
      throw new SpendLedgerException("the spend ledger could not be made ready", e);
    }
  }

  /**
   * Only reads what the ledgers of this database have kept; its tables are made or brought up to
   * date. Blocks.
   *
   * @throws SpendLedgerException as the ledger's own constructor
   */
  public static SpendReader reader(DataSource database) {
    try {
      SpendTables.SCHEMA.migrate(database);
    } catch (SQLException e) {
      throw new SpendLedgerException("the spend ledger could not be made ready", e);
    }
    return new JdbcSpendReader(database);
  }

  @Override
  public CompletionStage<Verdict> reserve(SpendEntry worst, List<Hold> holds) {
    return writer.reserve(worst, List.copyOf(holds));
  }

  @Override
  public CompletionStage<List<Balance>> settle(SpendEntry entry, List<Payment> payments) {
    return writer.settle(entry, List.copyOf(payments));
  }

  @Override
  public CompletionStage<Void> release(String id, List<Hold> holds) {
    return writer.release(id, List.copyOf(holds));
  }

  @Override
  public boolean available() {
    return writer.available();
  }

  @Override
  public Balance balance(String account, Instant now) {
    return reader.balance(account, now);
  }

  @Override
  public List<SpendEntry> entries(SpendQuery query, @Nullable String after, int limit) {
    return reader.entries(query, after, limit);
  }

  @Override
  public List<SpendSum> sums(SpendQuery query, SpendGroup group) {
    return reader.sums(query, group);
  }

  @Override
  public void close() {
    writer.close();
  }
}
