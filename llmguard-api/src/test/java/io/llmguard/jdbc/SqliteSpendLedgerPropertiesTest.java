package io.llmguard.jdbc;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

class SqliteSpendLedgerPropertiesTest extends JdbcSpendLedgerProperties {
  @TempDir private Path folder = Path.of("");
  private SqliteDataSource file;

  @Override
  DataSource database() throws IOException {
    file = SqliteDataSource.open(folder.resolve("spend.db"));
    return file;
  }

  @AfterEach
  void closeFile() throws SQLException {
    file.close();
  }
}
