package io.llmguard.jdbc.internal;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;

/** What the databases do not have in common; statements on records are the same on all. */
public enum Dialect {
  /** SQLite: one writer at a time, which takes the lock when its transaction begins. */
  SQLITE {
    @Override
    void beginAlone(Connection connection) throws SQLException {
      execute(connection, "BEGIN IMMEDIATE");
    }

    @Override
    void commitAlone(Connection connection) throws SQLException {
      execute(connection, "COMMIT");
    }

    @Override
    void rollbackAlone(Connection connection) throws SQLException {
      execute(connection, "ROLLBACK");
    }
  },
  /** PostgreSQL: an advisory lock keeps other processes from making the same tables. */
  POSTGRESQL {
    @Override
    void beginAlone(Connection connection) throws SQLException {
      connection.setAutoCommit(false);
      // any number that the processes agree on
      execute(connection, "SELECT pg_advisory_xact_lock(7236283901275034)");
    }

    @Override
    void commitAlone(Connection connection) throws SQLException {
      connection.commit();
    }

    @Override
    void rollbackAlone(Connection connection) throws SQLException {
      connection.rollback();
    }
  };

  /**
   * The dialect of the database at the other end.
   *
   * @throws IllegalArgumentException if it is neither SQLite nor PostgreSQL
   */
  public static Dialect of(Connection connection) throws SQLException {
    String product = connection.getMetaData().getDatabaseProductName();
    return switch (product.toLowerCase(Locale.ROOT)) {
      case "sqlite" -> SQLITE;
      case "postgresql" -> POSTGRESQL;
      default ->
          throw new IllegalArgumentException(
              "the database is " + product + "; SQLite and PostgreSQL are supported");
    };
  }

  /** Begins a transaction that no other of this kind runs beside. */
  abstract void beginAlone(Connection connection) throws SQLException;

  abstract void commitAlone(Connection connection) throws SQLException;

  abstract void rollbackAlone(Connection connection) throws SQLException;

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
