package io.llmguard.jdbc.internal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import javax.sql.DataSource;

/**
 * The tables of one component, brought from version to version.
 *
 * @param component the component's name in the table of versions
 * @param migrations the statements that lead to version 1, 2, …; what was released never changes
 */
public record Schema(String component, List<List<String>> migrations) {
  private static final String VERSIONS =
      "CREATE TABLE IF NOT EXISTS llmguard_schema"
          + " (component VARCHAR(64) PRIMARY KEY, version INTEGER NOT NULL)";

  /**
   * Brings the tables to the newest version; safe when several processes do so at once.
   *
   * @throws SQLException if the database fails, or its tables are newer than this program
   */
  public void migrate(DataSource database) throws SQLException {
    try (Connection connection = database.getConnection()) {
      Dialect dialect = Dialect.of(connection);
      boolean autoCommit = connection.getAutoCommit();
      connection.setAutoCommit(true);
      dialect.beginAlone(connection);
      try {
        migrate(connection);
        dialect.commitAlone(connection);
      } catch (SQLException | RuntimeException e) {
        rollback(dialect, connection, e);
        throw e;
      } finally {
        connection.setAutoCommit(autoCommit);
      }
    }
  }

  private static void rollback(Dialect dialect, Connection connection, Exception cause) {
    try {
      dialect.rollbackAlone(connection);
    } catch (SQLException e) {
      cause.addSuppressed(e);
    }
  }

  private void migrate(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(VERSIONS);
      int version = version(connection);
      if (version > migrations.size()) {
        throw new SQLException(
            "the tables of '"
                + component
                + "' have version "
                + version
                + ", newer than this program's "
                + migrations.size());
      }
      for (List<String> steps : migrations.subList(version, migrations.size())) {
        for (String step : steps) {
          statement.execute(step);
        }
      }
      if (version < migrations.size()) {
        write(connection, version == 0);
      }
    }
  }

  private int version(Connection connection) throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement("SELECT version FROM llmguard_schema WHERE component = ?")) {
      select.setString(1, component);
      try (ResultSet row = select.executeQuery()) {
        return row.next() ? row.getInt(1) : 0;
      }
    }
  }

  private void write(Connection connection, boolean first) throws SQLException {
    try (PreparedStatement write =
        connection.prepareStatement(
            first
                ? "INSERT INTO llmguard_schema (version, component) VALUES (?, ?)"
                : "UPDATE llmguard_schema SET version = ? WHERE component = ?")) {
      write.setInt(1, migrations.size());
      write.setString(2, component);
      write.executeUpdate();
    }
  }
}
