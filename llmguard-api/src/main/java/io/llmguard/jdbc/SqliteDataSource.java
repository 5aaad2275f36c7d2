package io.llmguard.jdbc;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Properties;
import java.util.Set;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Connections to an SQLite file that several threads and processes use at once.
 *
 * <p>The file is in WAL mode, so that readers and the writer do not wait for each other; a writer
 * waits up to 10 seconds for another one; a committed change survives a power cut. A new file is
 * for its owner only (mode 0600), and so are the files that SQLite keeps beside it. Needs {@code
 * org.xerial:sqlite-jdbc}. Thread-safe; close it after the connections.
 */
public final class SqliteDataSource implements DataSource, AutoCloseable {
  private static final org.slf4j.Logger log = LoggerFactory.getLogger(SqliteDataSource.class);

  private static final int SQLITE_BUSY = 5;
  private static final Duration BUSY = Duration.ofSeconds(10);
  private static final Duration RETRY = Duration.ofMillis(10);
  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rw-------");

  private final Driver driver;
  private final String url;

  /** Kept open: the last connection to close would fold up the log and its shared memory. */
  private final Connection keeper;

  private SqliteDataSource(Driver driver, String url, Connection keeper) {
    this.driver = driver;
    this.url = url;
    this.keeper = keeper;
  }

  /**
   * Opens a database file, and makes it if there is none.
   *
   * @throws IOException if the file can be neither made nor opened
   */
  public static SqliteDataSource open(Path file) throws IOException {
    Path absolute = file.toAbsolutePath();
    boolean posix = absolute.getFileSystem().supportedFileAttributeViews().contains("posix");
    FileAttribute<?>[] mode =
        posix
            ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(OWNER_ONLY)}
            : new FileAttribute<?>[0];
    try {
      Files.createFile(absolute, mode);
    } catch (FileAlreadyExistsException e) {
      if (posix && !OWNER_ONLY.containsAll(Files.getPosixFilePermissions(absolute))) {
        log.warn("the database {} is open to others than its owner; chmod 600 mends it", absolute);
      }
    }
    String url = "jdbc:sqlite:" + absolute;
    try {
      Driver driver = driver();
      return new SqliteDataSource(driver, url, openInWalMode(driver, url));
    } catch (SQLException e) {
      throw new IOException("the database " + absolute + " cannot be opened", e);
    }
  }

  /** Not from DriverManager, which knows the server's drivers but not a web application's own. */
  private static Driver driver() throws IOException {
    try {
      return Class.forName("org.sqlite.JDBC")
          .asSubclass(Driver.class)
          .getDeclaredConstructor()
          .newInstance();
    } catch (ReflectiveOperationException | LinkageError e) {
      throw new IOException("SQLite's driver is missing: org.xerial:sqlite-jdbc", e);
    }
  }

  /**
   * Switching a new file to WAL needs it alone, and SQLite does not wait for that itself: several
   * processes that start at once try until one of them has done it.
   */
  private static Connection openInWalMode(Driver driver, String url)
      throws SQLException, IOException {
    long start = System.nanoTime();
    while (true) {
      Connection connection = connect(driver, url);
      try (Statement statement = connection.createStatement()) {
        statement.execute("PRAGMA journal_mode = WAL");
        // only a connection that has read holds the log open
        statement.execute("SELECT count(*) FROM sqlite_schema");
        return connection;
      } catch (SQLException e) {
        connection.close();
        boolean busy = (e.getErrorCode() & 0xff) == SQLITE_BUSY;
        if (!busy || System.nanoTime() - start > BUSY.toNanos()) {
          throw e;
        }
      }
      pause();
    }
  }

  private static void pause() throws IOException {
    try {
      Thread.sleep(RETRY.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for the database");
    }
  }

  @Override
  public Connection getConnection() throws SQLException {
    return connect(driver, url);
  }

  private static Connection connect(Driver driver, String url) throws SQLException {
    Properties settings = new Properties();
    settings.setProperty("busy_timeout", Long.toString(BUSY.toMillis()));
    settings.setProperty("synchronous", "FULL");
    settings.setProperty("foreign_keys", "true");
    // else each statement is searched for INSERT by a pattern, and followed by a query
    settings.setProperty("jdbc.get_generated_keys", "false");
    Connection connection = driver.connect(url, settings);
    if (connection == null) {
      throw new SQLException("SQLite's driver does not take " + url);
    }
    return connection;
  }

  /** The same as {@link #getConnection()}: SQLite knows no users. */
  @Override
  public Connection getConnection(String username, String password) throws SQLException {
    return getConnection();
  }

  @Override
  public void close() throws SQLException {
    keeper.close();
  }

  @Override
  public @Nullable PrintWriter getLogWriter() {
    return null;
  }

  @Override
  public void setLogWriter(PrintWriter out) throws SQLException {
    throw new SQLFeatureNotSupportedException("logs go to SLF4J");
  }

  @Override
  public void setLoginTimeout(int seconds) throws SQLException {
    throw new SQLFeatureNotSupportedException("a file needs no login");
  }

  @Override
  public int getLoginTimeout() {
    return 0;
  }

  @Override
  public Logger getParentLogger() throws SQLFeatureNotSupportedException {
    throw new SQLFeatureNotSupportedException("logs go to SLF4J");
  }

  @Override
  public <T> T unwrap(Class<T> type) throws SQLException {
    if (type.isInstance(this)) {
      return type.cast(this);
    }
    throw new SQLException("no " + type.getName() + " in here");
  }

  @Override
  public boolean isWrapperFor(Class<?> type) {
    return type.isInstance(this);
  }
}
