package io.llmguard.testkit;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;

/** A real PostgreSQL for the tests of a class, on a port of its own; close it after them. */
public final class PostgresServer implements AutoCloseable {
  private final EmbeddedPostgres server;
  private final AtomicInteger databases = new AtomicInteger();

  private PostgresServer(EmbeddedPostgres server) {
    this.server = server;
  }

  /** Starts a server; where none can be started, the tests are skipped and say why. */
  public static PostgresServer startOrSkip() {
    try {
      return new PostgresServer(EmbeddedPostgres.builder().start());
    } catch (IOException | RuntimeException e) {
      throw Needs.missing("PostgreSQL cannot be started here: " + e);
    }
  }

  /** A new and empty database. */
  public DataSource newDatabase() throws SQLException {
    String name = "test" + databases.incrementAndGet();
    try (Connection connection = server.getPostgresDatabase().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    }
    return server.getDatabase("postgres", name);
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
