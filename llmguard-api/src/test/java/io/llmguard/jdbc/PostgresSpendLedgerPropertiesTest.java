package io.llmguard.jdbc;

import io.llmguard.testkit.PostgresServer;
import java.io.IOException;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PostgresSpendLedgerPropertiesTest extends JdbcSpendLedgerProperties {
  private PostgresServer server;

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

  @Override
  DataSource database() throws SQLException {
    return server.newDatabase();
  }
}
