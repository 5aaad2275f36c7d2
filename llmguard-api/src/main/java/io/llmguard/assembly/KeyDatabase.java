package io.llmguard.assembly;

import io.llmguard.jdbc.JdbcKeyStore;
import io.llmguard.jdbc.SqliteDataSource;
import io.llmguard.key.KeyStore;
import java.sql.SQLException;

/** The keys in the data directory's SQLite database; closing it closes the database. */
public final class KeyDatabase implements AutoCloseable {
  private final SqliteDataSource database;
  private final KeyStore store;

  private KeyDatabase(SqliteDataSource database) {
    this.database = database;
    this.store = new JdbcKeyStore(database);
  }

  /**
   * Opens the database, and makes it where there is none. Needs {@code org.xerial:sqlite-jdbc}.
   *
   * @throws SettingException if it cannot be opened
   */
  public static KeyDatabase open(DataDirectory directory) {
    return new KeyDatabase(directory.make().openDatabase());
  }

  /** The keys. */
  public KeyStore store() {
    return store;
  }

  @Override
  public void close() {
    try {
      database.close();
    } catch (SQLException e) {
      throw new IllegalStateException("the key database could not be closed", e);
    }
  }
}
