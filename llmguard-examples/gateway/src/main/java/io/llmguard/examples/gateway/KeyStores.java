package io.llmguard.examples.gateway;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.llmguard.assembly.DataDirectory;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.GatewayConfig.Database;
import io.llmguard.jdbc.JdbcKeyStore;
import io.llmguard.jdbc.SqliteDataSource;
import io.llmguard.key.KeyStore;
import io.llmguard.key.KeyStoreException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.ZoneId;
import javax.sql.DataSource;

/**
 * Where the configured gateway keeps its keys: SQLite in the data directory, or a database server.
 *
 * <p>The program's commands and the running gateway open the same store side by side.
 */
public final class KeyStores implements AutoCloseable {
  private final KeyStore store;
  private final AutoCloseable pool;
  private final String place;
  private final DataSource database;
  private final ZoneId days;

  private KeyStores(
      KeyStore store, DataSource database, AutoCloseable pool, String place, ZoneId days) {
    this.database = database;
    this.days = days;
    this.store = store;
    this.pool = pool;
    this.place = place;
  }

  /** Opens the configured store and makes it where there is none yet. */
  public static KeyStores open(GatewayConfig config) {
    DataDirectory directory = DataDirectory.of(config.guard()).make();
    Database database = config.database();
    if (database == null || database.jdbcUrl().startsWith("jdbc:sqlite:")) {
      Path file =
          database == null
              ? directory.databaseFile()
              : Path.of(database.jdbcUrl().substring("jdbc:sqlite:".length()));
      try {
        SqliteDataSource source = SqliteDataSource.open(file);
        return over(source, source, file.toString(), config);
      } catch (IOException e) {
        throw new Main.UserError("keys cannot be kept in " + file + ": " + e.getMessage(), e);
      }
    }
    HikariConfig settings = new HikariConfig();
    settings.setJdbcUrl(database.jdbcUrl());
    settings.setUsername(database.user());
    if (database.password() != null) {
      settings.setPassword(database.password().value());
    }
    settings.setMaximumPoolSize(4);
    settings.setPoolName("llmguard-keys");
    // a database that is down at start must not keep the message from the terminal
    settings.setInitializationFailTimeout(10_000);
    try {
      HikariDataSource pool = new HikariDataSource(settings);
      return over(pool, pool, "the configured database", config);
    } catch (RuntimeException e) {
      throw new Main.UserError(
          "the database of llmguard.database cannot be reached; is it up, and are user and password"
              + " right?",
          e);
    }
  }

  private static KeyStores over(
      DataSource source, AutoCloseable pool, String place, GatewayConfig config) {
    try {
      return new KeyStores(new JdbcKeyStore(source), source, pool, place, config.budgets().zone());
    } catch (KeyStoreException e) {
      throw new Main.UserError("keys cannot be kept in " + place + ": " + e.getMessage(), e);
    }
  }

  /** The store. */
  public KeyStore store() {
    return store;
  }

  /** The database, in which spend is kept beside the keys. */
  public DataSource database() {
    return database;
  }

  /** In which zone days begin. */
  public ZoneId days() {
    return days;
  }

  /** Where it is, for messages. */
  public String place() {
    return place;
  }

  @Override
  public void close() {
    try {
      pool.close();
    } catch (Exception e) {
      throw new IllegalStateException("closing the key store failed", e);
    }
  }
}
