package io.llmguard.jdbc;

import io.llmguard.budget.SpendLedger;
import io.llmguard.budget.SpendLedgerProperties;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.ZoneOffset;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;

/** The same over a database that fails. */
abstract class JdbcSpendLedgerProperties extends SpendLedgerProperties {
  private FailingDataSource source;

  /** The one database of the test. */
  abstract DataSource database() throws Exception;

  @BeforeEach
  final void openDatabase() throws Exception {
    source = new FailingDataSource(database());
  }

  @Override
  protected SpendLedger open() {
    return new JdbcSpendLedger(source, time, ZoneOffset.UTC);
  }

  @Override
  protected void failing(boolean on, long seed) {
    source.failing(on, seed);
  }

  /** Its mark stays where calls are under way, and is old when the next one looks. */
  @Override
  protected boolean kill(SpendLedger ledger) throws SQLException {
    ledger.close();
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement()) {
      statement.executeUpdate(
          "UPDATE llmguard_spend_process SET seen_at = seen_at - "
              + Duration.ofMinutes(2).toMillis());
    }
    return true;
  }
}
