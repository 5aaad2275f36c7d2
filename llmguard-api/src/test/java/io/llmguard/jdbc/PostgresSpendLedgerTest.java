package io.llmguard.jdbc;

import io.llmguard.testkit.PostgresServer;
import java.io.IOException;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PostgresSpendLedgerTest extends JdbcSpendLedgerContract {
  private PostgresServer server;
  private DataSource source;

  @BeforeAll
  void start() {
    server = PostgresServer.startOrSkip();
  }

  @AfterAll
  void stop() throws IOException {
    if (server != null) {
      server.close();
    }
  }

  @BeforeEach
  void newDatabase() throws SQLException {
    source = server.newDatabase();
  }

  @Override
  DataSource database() {
    return source;
  }
}
