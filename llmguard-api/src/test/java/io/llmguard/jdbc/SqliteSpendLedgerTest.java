package io.llmguard.jdbc;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

class SqliteSpendLedgerTest extends JdbcSpendLedgerContract {
  @TempDir private Path folder = Path.of("");
  private SqliteDataSource source;

  @BeforeEach
  void openFile() throws IOException {
    source = SqliteDataSource.open(folder.resolve("spend.db"));
  }

  @AfterEach
  void closeFile() throws SQLException {
    source.close();
  }

  @Override
  DataSource database() {
    return source;
  }
}
