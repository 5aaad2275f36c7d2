package io.llmguard.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.key.KeyRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SqliteKeyStoreTest extends JdbcKeyStoreContract {
  @TempDir private Path directory;

  private final List<SqliteDataSource> open = new ArrayList<>();
  private final Map<DataSource, Path> files = new HashMap<>();

  @AfterEach
  void close() throws SQLException {
    for (SqliteDataSource source : open) {
      source.close();
    }
  }

  private SqliteDataSource open(Path file) {
    try {
      SqliteDataSource source = SqliteDataSource.open(file);
      open.add(source);
      files.put(source, file);
      return source;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  DataSource database() {
    return open(directory.resolve(UUID.randomUUID() + ".db"));
  }

  @Override
  DataSource again(DataSource database) {
    return open(files.get(database));
  }

  @Test
  void theFileIsInWalModeAndDurable() throws SQLException {
    try (Connection connection = database().getConnection();
        Statement statement = connection.createStatement()) {
      assertThat(pragma(statement, "journal_mode")).isEqualTo("wal");
      assertThat(pragma(statement, "synchronous")).isEqualTo("2");
      assertThat(pragma(statement, "busy_timeout")).isEqualTo("10000");
    }
  }

  private static String pragma(Statement statement, String name) throws SQLException {
    try (ResultSet row = statement.executeQuery("PRAGMA " + name)) {
      assertThat(row.next()).isTrue();
      return row.getString(1);
    }
  }

  @Test
  void theFilesAreForTheirOwnerOnly() throws IOException {
    JdbcKeyStore store = new JdbcKeyStore(database());
    store.create(KeyRecord.builder("a", io.llmguard.key.KeyHash.of("a"), Instant.EPOCH).build());
    try (Stream<Path> all = Files.list(directory)) {
      List<Path> made = all.toList();
      assertThat(made).hasSize(3);
      for (Path file : made) {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
            .as(file.toString())
            .isEqualTo("rw-------");
      }
    }
  }

  @Test
  void aWriterWaitsForAnother() throws Exception {
    DataSource database = database();
    JdbcKeyStore store = new JdbcKeyStore(database);
    try (Connection other = again(database).getConnection();
        Statement statement = other.createStatement()) {
      statement.execute("BEGIN IMMEDIATE");
      Thread writer =
          new Thread(
              () ->
                  store.create(
                      KeyRecord.builder("a", io.llmguard.key.KeyHash.of("a"), Instant.EPOCH)
                          .build()));
      writer.start();
      // readers go on beside the writer
      assertThat(store.list()).isEmpty();
      statement.execute("COMMIT");
      writer.join(20_000);
      assertThat(store.list()).hasSize(1);
    }
  }

  @Test
  void severalProcessesMayMakeTheFileAtOnce() throws Exception {
    int processes = 8;
    for (int round = 0; round < 5; round++) {
      Path file = directory.resolve("new-" + round + ".db");
      CyclicBarrier together = new CyclicBarrier(processes);
      ExecutorService threads = Executors.newFixedThreadPool(processes);
      try {
        List<Future<SqliteDataSource>> opening = new ArrayList<>();
        for (int i = 0; i < processes; i++) {
          opening.add(
              threads.submit(
                  () -> {
                    together.await(30, TimeUnit.SECONDS);
                    SqliteDataSource source = SqliteDataSource.open(file);
                    assertThat(new JdbcKeyStore(source).revision()).isZero();
                    return source;
                  }));
        }
        for (Future<SqliteDataSource> opened : opening) {
          open.add(opened.get(60, TimeUnit.SECONDS));
        }
      } finally {
        threads.shutdownNow();
      }
    }
  }

  @Test
  void aFileThatIsNoDatabaseIsAnIoException() throws IOException {
    Path file = Files.writeString(directory.resolve("no.db"), "not a database".repeat(100));
    assertThatThrownBy(() -> SqliteDataSource.open(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no.db");
    assertThatThrownBy(() -> SqliteDataSource.open(directory.resolve("missing/x.db")))
        .isInstanceOf(IOException.class);
  }
}
