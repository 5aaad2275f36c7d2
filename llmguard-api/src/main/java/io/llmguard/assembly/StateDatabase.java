package io.llmguard.assembly;

import io.llmguard.TimeSource;
import io.llmguard.budget.SpendLedger;
import io.llmguard.budget.SpendLedgerException;
import io.llmguard.jdbc.JdbcKeyStore;
import io.llmguard.jdbc.JdbcSpendLedger;
import io.llmguard.jdbc.SqliteDataSource;
import io.llmguard.key.KeyStore;
import java.sql.SQLException;
import java.time.ZoneId;

/**
 * The data directory's SQLite database, for keys and for what was spent; closing it closes the
 * database.
 */
public final class StateDatabase implements AutoCloseable {
  private final SqliteDataSource database;

  private StateDatabase(SqliteDataSource database) {
    this.database = database;
  }

  /**
   * Opens the database, and makes it where there is none. Needs {@code org.xerial:sqlite-jdbc}.
   *
   * @throws SettingException if it cannot be opened
   */
  public static StateDatabase open(DataDirectory directory) {
    return new StateDatabase(directory.make().openDatabase());
  }

  /** The keys. */
  public KeyStore keys() {
    return new JdbcKeyStore(database);
  }

  /**
   * What was spent; to be closed before the database.
   *
   * @param days in which zone days are told
   * @throws SettingException if spend cannot be kept in the database
   */
  public SpendLedger spend(ZoneId days) {
    try {
      return new JdbcSpendLedger(database, TimeSource.system(), days);
    } catch (SpendLedgerException e) {
      throw new SettingException("data-dir", "spend cannot be kept there: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    try {
      database.close();
    } catch (SQLException e) {
      throw new IllegalStateException("the database could not be closed", e);
    }
  }
}
