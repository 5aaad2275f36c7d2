package io.llmguard.jdbc;

import io.llmguard.jdbc.internal.KeyRow;
import io.llmguard.jdbc.internal.Schema;
import io.llmguard.key.KeyHash;
import io.llmguard.key.KeyRecord;
import io.llmguard.key.KeyStore;
import io.llmguard.key.KeyStoreException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Keeps key records in a relational database, SQLite or PostgreSQL, by the same statements.
 *
 * <p>Several processes may share one database: each sees the others' changes by the revision, which
 * is counted in the database, under the lock that a change holds to its commit. Every value is a
 * parameter of a prepared statement. A connection is taken for each call and given back; on
 * PostgreSQL a pooled {@link DataSource} is advised, as a {@link io.llmguard.key.KeyDirectory} asks
 * four times a second. A row that cannot be read, as a newer program may write it, is listed as a
 * blocked key and logged by its id; to find that key by itself fails, so that no edit overwrites
 * it. Thread-safe; the data source stays open.
 */
public final class JdbcKeyStore implements KeyStore {
  private static final Schema SCHEMA =
      new Schema(
          "key",
          List.of(
              List.of(
                  "CREATE TABLE llmguard_key ("
                      + "id VARCHAR(255) PRIMARY KEY,"
                      + " hash CHAR(64) NOT NULL UNIQUE,"
                      + " previous_hash CHAR(64) UNIQUE,"
                      + " previous_until BIGINT,"
                      + " name TEXT NOT NULL,"
                      + " owner TEXT,"
                      + " team TEXT,"
                      + " scopes TEXT NOT NULL,"
                      + " models TEXT NOT NULL,"
                      + " limits TEXT,"
                      + " budget_usd TEXT,"
                      + " budget_window TEXT,"
                      + " networks TEXT NOT NULL,"
                      + " expires_at BIGINT,"
                      + " created_at BIGINT NOT NULL,"
                      + " last_used_at BIGINT,"
                      + " state VARCHAR(16) NOT NULL,"
                      + " revision BIGINT NOT NULL)",
                  "CREATE INDEX llmguard_key_by_revision ON llmguard_key (revision)",
                  "CREATE TABLE llmguard_key_revision ("
                      + "id INTEGER PRIMARY KEY CHECK (id = 1),"
                      + " revision BIGINT NOT NULL,"
                      + " deleted_revision BIGINT NOT NULL)",
                  "INSERT INTO llmguard_key_revision (id, revision, deleted_revision)"
                      + " VALUES (1, 0, 0)"),
              List.of("ALTER TABLE llmguard_key ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}'"),
              List.of(
                  "ALTER TABLE llmguard_key ADD COLUMN alert_usd TEXT",
                  "ALTER TABLE llmguard_key ADD COLUMN budgets TEXT")));

  private static final String SELECT = "SELECT " + KeyRow.COLUMNS + " FROM llmguard_key";
  private static final String OLDEST_FIRST = " ORDER BY created_at, id";
  private static final String INSERT =
      "INSERT INTO llmguard_key ("
          + KeyRow.COLUMNS
          + ", revision) VALUES ("
          + String.join(", ", Collections.nCopies(KeyRow.COLUMN_COUNT + 1, "?"))
          + ")";
  private static final String UPDATE =
      "UPDATE llmguard_key SET "
          + String.join(" = ?, ", KeyRow.EDITABLE)
          + " = ?, revision = ? WHERE id = ?";

  private final DataSource database;

  /**
   * A store in this database, whose tables are made or brought up to date. Blocks.
   *
   * @throws KeyStoreException if the database cannot be reached, or its tables are newer than this
   *     program
   * @throws IllegalArgumentException if it is neither SQLite nor PostgreSQL
   */
  public JdbcKeyStore(DataSource database) {
    this.database = database;
    try {
      SCHEMA.migrate(database);
    } catch (SQLException e) {
      throw new KeyStoreException("the tables of the key store could not be made ready", e);
    }
  }

  @Override
  public void create(KeyRecord record) {
    KeyHash previous = record.previousHash();
    write(
        "create a key",
        (connection, revision) -> {
          if (taken(connection, record.id(), record.hash())
              || (previous != null && taken(connection, record.id(), previous))) {
            throw new IllegalArgumentException(
                "the id or the hash of the key is taken: " + record.id());
          }
          try (PreparedStatement insert = connection.prepareStatement(INSERT)) {
            int next = KeyRow.setAll(insert, record);
            insert.setLong(next, revision);
            return insert.executeUpdate() == 1;
          }
        });
  }

  private static boolean taken(Connection connection, @Nullable String id, KeyHash hash)
      throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement(
            "SELECT 1 FROM llmguard_key WHERE id = ? OR hash = ? OR previous_hash = ?")) {
      select.setString(1, id);
      select.setString(2, hash.hex());
      select.setString(3, hash.hex());
      try (ResultSet rows = select.executeQuery()) {
        return rows.next();
      }
    }
  }

  @Override
  public @Nullable KeyRecord find(String id) {
    return only(
        read(
            "find a key",
            connection -> {
              try (PreparedStatement select =
                  connection.prepareStatement(SELECT + " WHERE id = ?")) {
                select.setString(1, id);
                return all(select);
              }
            }));
  }

  @Override
  public @Nullable KeyRecord findByHash(KeyHash hash) {
    return only(
        read(
            "find a key",
            connection -> {
              try (PreparedStatement select =
                  connection.prepareStatement(SELECT + " WHERE hash = ? OR previous_hash = ?")) {
                select.setString(1, hash.hex());
                select.setString(2, hash.hex());
                return all(select);
              }
            }));
  }

  private static @Nullable KeyRecord only(List<KeyRecord> records) {
    return records.isEmpty() ? null : records.get(0);
  }

  private static List<KeyRecord> all(PreparedStatement select) throws SQLException {
    List<KeyRecord> records = new ArrayList<>();
    try (ResultSet rows = select.executeQuery()) {
      while (rows.next()) {
        records.add(KeyRow.read(rows));
      }
    }
    return records;
  }

  private static List<KeyRecord> readable(PreparedStatement select) throws SQLException {
    List<KeyRecord> records = new ArrayList<>();
    try (ResultSet rows = select.executeQuery()) {
      while (rows.next()) {
        KeyRecord record = KeyRow.readOrBlock(rows);
        if (record != null) {
          records.add(record);
        }
      }
    }
    return records;
  }

  @Override
  public List<KeyRecord> list() {
    return changesSince(-1).records();
  }

  @Override
  public boolean update(KeyRecord record) {
    return write(
        "update a key",
        (connection, revision) -> {
          try (PreparedStatement update = connection.prepareStatement(UPDATE)) {
            int next = KeyRow.setEditable(update, record);
            update.setLong(next, revision);
            update.setString(next + 1, record.id());
            return update.executeUpdate() == 1;
          }
        });
  }

  @Override
  public boolean rotate(String id, KeyHash replaced, KeyHash newHash, Instant previousUntil) {
    return write(
        "rotate a key",
        (connection, revision) -> {
          if (taken(connection, null, newHash)) {
            throw new IllegalArgumentException("the hash of the new key is taken: " + id);
          }
          try (PreparedStatement update =
              connection.prepareStatement(
                  "UPDATE llmguard_key SET previous_hash = hash, previous_until = ?, hash = ?,"
                      + " revision = ? WHERE id = ? AND hash = ? AND state <> 'revoked'")) {
            KeyRow.setTime(update, 1, previousUntil);
            update.setString(2, newHash.hex());
            update.setLong(3, revision);
            update.setString(4, id);
            update.setString(5, replaced.hex());
            return update.executeUpdate() == 1;
          }
        });
  }

  @Override
  public boolean block(String id) {
    return move("block a key", id, KeyRecord.State.BLOCKED, List.of(KeyRecord.State.ACTIVE));
  }

  @Override
  public boolean unblock(String id) {
    return move("unblock a key", id, KeyRecord.State.ACTIVE, List.of(KeyRecord.State.BLOCKED));
  }

  @Override
  public boolean revoke(String id) {
    return move(
        "revoke a key",
        id,
        KeyRecord.State.REVOKED,
        List.of(KeyRecord.State.ACTIVE, KeyRecord.State.BLOCKED));
  }

  private boolean move(String what, String id, KeyRecord.State to, List<KeyRecord.State> from) {
    return write(
        what,
        (connection, revision) -> {
          try (PreparedStatement update =
              connection.prepareStatement(
                  "UPDATE llmguard_key SET state = ?, revision = ?"
                      + " WHERE id = ? AND (state = ? OR state = ?)")) {
            update.setString(1, KeyRow.word(to));
            update.setLong(2, revision);
            update.setString(3, id);
            update.setString(4, KeyRow.word(from.get(0)));
            update.setString(5, KeyRow.word(from.get(from.size() - 1)));
            return update.executeUpdate() == 1;
          }
        });
  }

  @Override
  public boolean delete(String id) {
    return write(
        "delete a key",
        (connection, revision) -> {
          try (PreparedStatement delete =
                  connection.prepareStatement("DELETE FROM llmguard_key WHERE id = ?");
              PreparedStatement note =
                  connection.prepareStatement(
                      "UPDATE llmguard_key_revision SET deleted_revision = ? WHERE id = 1")) {
            delete.setString(1, id);
            note.setLong(1, revision);
            return delete.executeUpdate() == 1 && note.executeUpdate() == 1;
          }
        });
  }

  @Override
  public void touch(Map<String, Instant> lastUsed) {
    transaction(
        "note times of use",
        connection -> {
          try (PreparedStatement update =
              connection.prepareStatement(
                  "UPDATE llmguard_key SET last_used_at = ?"
                      + " WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)")) {
            // always in the same order, or two processes could lock each other out
            for (Map.Entry<String, Instant> use : new TreeMap<>(lastUsed).entrySet()) {
              KeyRow.setTime(update, 1, use.getValue());
              update.setString(2, use.getKey());
              KeyRow.setTime(update, 3, use.getValue());
              update.addBatch();
            }
            update.executeBatch();
            return true;
          }
        });
  }

  @Override
  public long revision() {
    return read("read the revision", connection -> revisions(connection).changed);
  }

  @Override
  public Changes changesSince(long known) {
    return read(
        "read keys",
        connection -> {
          // the revision first: what changes between the two is read again the next time
          Revisions now = revisions(connection);
          boolean complete = known < 0 || known > now.changed || now.deleted > known;
          try (PreparedStatement select =
              connection.prepareStatement(
                  SELECT + (complete ? "" : " WHERE revision > ?") + OLDEST_FIRST)) {
            if (!complete) {
              select.setLong(1, known);
            }
            return new Changes(now.changed, complete, readable(select));
          }
        });
  }

  private record Revisions(long changed, long deleted) {}

  private static Revisions revisions(Connection connection) throws SQLException {
    try (PreparedStatement select =
            connection.prepareStatement(
                "SELECT revision, deleted_revision FROM llmguard_key_revision WHERE id = 1");
        ResultSet row = select.executeQuery()) {
      if (!row.next()) {
        throw new SQLException("the revision of the keys is gone");
      }
      return new Revisions(row.getLong(1), row.getLong(2));
    }
  }

  // ---- transactions

  private interface Work<T> {
    T with(Connection connection) throws SQLException;
  }

  private interface Change {
    /** Makes the change; true if there was something to change. */
    boolean make(Connection connection, long revision) throws SQLException;
  }

  private <T> T read(String what, Work<T> work) {
    try (Connection connection = database.getConnection()) {
      boolean autoCommit = connection.getAutoCommit();
      connection.setAutoCommit(true);
      try {
        return work.with(connection);
      } finally {
        connection.setAutoCommit(autoCommit);
      }
    } catch (SQLException e) {
      throw new KeyStoreException("the key store could not " + what, e);
    }
  }

  /**
   * Runs a change under the next revision. The revision is counted first: this locks out other
   * writers until the commit, so that no reader ever sees a higher revision before a lower one.
   */
  private boolean write(String what, Change change) {
    return transaction(
        what,
        connection -> {
          try (PreparedStatement count =
              connection.prepareStatement(
                  "UPDATE llmguard_key_revision SET revision = revision + 1 WHERE id = 1")) {
            count.executeUpdate();
          }
          return change.make(connection, revisions(connection).changed);
        });
  }

  private boolean transaction(String what, Work<Boolean> work) {
    try (Connection connection = database.getConnection()) {
      boolean autoCommit = connection.getAutoCommit();
      connection.setAutoCommit(false);
      boolean done = false;
      try {
        done = work.with(connection);
      } finally {
        if (done) {
          connection.commit();
        } else {
          connection.rollback();
        }
        connection.setAutoCommit(autoCommit);
      }
      return done;
    } catch (SQLException e) {
      throw new KeyStoreException("the key store could not " + what, e);
    }
  }
}
