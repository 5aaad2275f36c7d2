package io.llmguard.jdbc;

import io.llmguard.testkit.PostgresServer;
import java.io.IOException;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PostgresKeyStoreTest extends JdbcKeyStoreContract {
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
  DataSource database() {
    try {
      return server.newDatabase();
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  DataSource again(DataSource database) {
    return database;
  }
}
