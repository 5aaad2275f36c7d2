package io.llmguard.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.TimeSource;
import io.llmguard.key.IssuedKey;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.KeyLookup;
import io.llmguard.key.KeyRecord;
import io.llmguard.key.KeyStore;
import io.llmguard.key.KeyStoreContract;
import io.llmguard.key.KeyStoreException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a key store in a database does beyond what every store does. */
abstract class JdbcKeyStoreContract extends KeyStoreContract {
  /** A new and empty database. */
  abstract DataSource database();

  /** The same database again, as another process would open it. */
  abstract DataSource again(DataSource database);

  @Override
  protected KeyStore store() {
    return new JdbcKeyStore(database());
  }

  @Test
  void twoStoresOnOneDatabaseSeeEachOthersChanges() {
    DataSource database = database();
    JdbcKeyStore one = new JdbcKeyStore(database);
    JdbcKeyStore two = new JdbcKeyStore(again(database));
    IssuedKey issued = new KeyIssuer(one, TimeSource.system()).issue("a", UnaryOperator.identity());
    String id = issued.record().id();
    try (KeyDirectory atTwo = KeyDirectory.builder(two).refreshEvery(Duration.ofDays(1)).open()) {
      assertThat(stateAt(atTwo, issued)).isEqualTo("ACTIVE");
      long known = two.revision();
      assertThat(one.block(id)).isTrue();
      assertThat(two.revision()).isGreaterThan(known);
      atTwo.refresh();
      assertThat(stateAt(atTwo, issued)).isEqualTo("BLOCKED");
      assertThat(two.unblock(id)).isTrue();
      assertThat(one.find(id)).isEqualTo(two.find(id));
      assertThat(one.revoke(id)).isTrue();
      atTwo.refresh();
      assertThat(stateAt(atTwo, issued)).isEqualTo("REVOKED");
      assertThat(one.delete(id)).isTrue();
      atTwo.refresh();
      assertThat(stateAt(atTwo, issued)).isEqualTo("unknown");
    }
  }

  @Test
  void ofTwoProcessesThatRotateOneKeyAtOnceOneSucceeds() throws Exception {
    DataSource database = database();
    KeyStore one = new JdbcKeyStore(database);
    List<KeyIssuer> issuers =
        Stream.of(one, new JdbcKeyStore(again(database)))
            .map(store -> new KeyIssuer(store, TimeSource.system()))
            .toList();
    ExecutorService threads = Executors.newFixedThreadPool(2);
    CyclicBarrier together = new CyclicBarrier(2);
    try {
      for (int round = 0; round < 20; round++) {
        KeyRecord made = issuers.get(0).issue("a", UnaryOperator.identity()).record();
        List<Future<IssuedKey>> rotations = new ArrayList<>();
        for (KeyIssuer issuer : issuers) {
          rotations.add(
              threads.submit(
                  () -> {
                    together.await(30, TimeUnit.SECONDS);
                    return issuer.rotate(made.id(), Duration.ofHours(1));
                  }));
        }
        List<IssuedKey> rotated = new ArrayList<>();
        for (Future<IssuedKey> rotation : rotations) {
          try {
            rotated.add(rotation.get(60, TimeUnit.SECONDS));
          } catch (ExecutionException e) {
            assertThat(e).hasCauseInstanceOf(IllegalArgumentException.class);
          }
        }
        assertThat(rotated).hasSize(1);
        KeyRecord now = Objects.requireNonNull(one.find(made.id()));
        assertThat(now.hash()).isEqualTo(rotated.get(0).key().hash());
        assertThat(now.previousHash()).as("its grace was promised").isEqualTo(made.hash());
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static String stateAt(KeyDirectory directory, IssuedKey issued) {
    return directory.find(issued.key().hash()).toCompletableFuture().join()
            instanceof KeyLookup.Answer.Found found
        ? found.record().state().name()
        : "unknown";
  }

  @Test
  void severalProcessesMayStartAtOnce() throws Exception {
    DataSource database = database();
    int processes = 6;
    List<DataSource> doors = new ArrayList<>();
    for (int i = 0; i < processes; i++) {
      doors.add(again(database));
    }
    CyclicBarrier together = new CyclicBarrier(processes);
    ExecutorService threads = Executors.newFixedThreadPool(processes);
    try {
      List<Future<JdbcKeyStore>> starting = new ArrayList<>();
      for (DataSource door : doors) {
        starting.add(
            threads.submit(
                () -> {
                  together.await(30, TimeUnit.SECONDS);
                  return new JdbcKeyStore(door);
                }));
      }
      for (Future<JdbcKeyStore> started : starting) {
        assertThat(started.get(60, TimeUnit.SECONDS).revision()).isZero();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void tablesOfANewerProgramAreLeftAlone() throws SQLException {
    DataSource database = database();
    assertThat(new JdbcKeyStore(database).list()).isEmpty();
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("UPDATE llmguard_schema SET version = 99 WHERE component = 'key'");
    }
    assertThatThrownBy(() -> new JdbcKeyStore(database))
        .isInstanceOf(KeyStoreException.class)
        .hasRootCauseMessage("the tables of 'key' have version 99, newer than this program's 3");
  }

  @Test
  void tablesOfAnOlderProgramAreBroughtUpToDate() throws SQLException {
    DataSource database = database();
    KeyRecord record =
        new KeyIssuer(new JdbcKeyStore(database), TimeSource.system())
            .issue("a", UnaryOperator.identity())
            .record();
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      // as the first version left them
      statement.execute("ALTER TABLE llmguard_key DROP COLUMN metadata");
      statement.execute("ALTER TABLE llmguard_key DROP COLUMN alert_usd");
      statement.execute("ALTER TABLE llmguard_key DROP COLUMN budgets");
      statement.execute("UPDATE llmguard_schema SET version = 1 WHERE component = 'key'");
    }
    assertThat(new JdbcKeyStore(again(database)).list()).containsExactly(record);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "scopes = 'inference telepathy'",
        "networks = '[\"everywhere\"]'",
        "state = 'dormant'",
        "models = 'no JSON'",
        "hash = 'no hash'"
      })
  void oneRowThatCannotBeReadBlocksItsOwnKeyOnly(String damage) throws SQLException {
    DataSource database = database();
    JdbcKeyStore store = new JdbcKeyStore(database);
    KeyIssuer issuer = new KeyIssuer(store, TimeSource.system());
    IssuedKey odd = issuer.issue("odd", UnaryOperator.identity());
    IssuedKey good = issuer.issue("good", UnaryOperator.identity());
    try (KeyDirectory keys = KeyDirectory.builder(store).refreshEvery(Duration.ofDays(1)).open()) {
      try (Connection connection = database.getConnection();
          Statement statement = connection.createStatement()) {
        statement.execute("UPDATE llmguard_key SET " + damage + " WHERE name = 'odd'");
      }
      assertThat(store.block(good.record().id())).isTrue();
      assertThat(store.unblock(good.record().id())).isTrue();
      assertThat(keys.refresh()).isTrue();
      assertThat(stateAt(keys, good)).isEqualTo("ACTIVE");
    }
    try (KeyDirectory keys = KeyDirectory.builder(store).refreshEvery(Duration.ofDays(1)).open()) {
      assertThat(stateAt(keys, good)).isEqualTo("ACTIVE");
      assertThat(stateAt(keys, odd)).isIn("BLOCKED", "unknown");
      assertThat(keys.health().records()).isEqualTo(2);
    }
  }

  @Test
  void aStoreOpenedAgainHasWhatWasWritten() {
    DataSource database = database();
    KeyRecord record =
        new KeyIssuer(new JdbcKeyStore(database), TimeSource.system())
            .issue("a", UnaryOperator.identity())
            .record();
    assertThat(new JdbcKeyStore(again(database)).list()).containsExactly(record);
  }

  @Test
  void theSecretItselfIsNowhereInTheDatabase() throws SQLException {
    DataSource database = database();
    IssuedKey issued =
        new KeyIssuer(new JdbcKeyStore(database), TimeSource.system())
            .issue("a", UnaryOperator.identity());
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement();
        var rows = statement.executeQuery("SELECT * FROM llmguard_key")) {
      assertThat(rows.next()).isTrue();
      for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
        assertThat(String.valueOf(rows.getString(i)))
            .doesNotContain(issued.key().reveal().substring(3));
      }
    }
  }

  @Test
  void aDatabaseThatIsGoneIsAKeyStoreException() throws SQLException {
    DataSource database = database();
    JdbcKeyStore store = new JdbcKeyStore(database);
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("DROP TABLE llmguard_key_revision");
    }
    assertThatThrownBy(store::revision).isInstanceOf(KeyStoreException.class);
    assertThatThrownBy(() -> store.revoke("a"))
        .isInstanceOf(KeyStoreException.class)
        .hasMessage("the key store could not revoke a key");
  }
}
