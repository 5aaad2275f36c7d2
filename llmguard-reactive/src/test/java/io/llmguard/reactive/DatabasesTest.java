package io.llmguard.reactive;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Guard;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.TimeSource;
import io.llmguard.budget.Budget;
import io.llmguard.budget.BudgetScope;
import io.llmguard.budget.BudgetStage;
import io.llmguard.budget.BudgetWindow;
import io.llmguard.budget.SpendGroup;
import io.llmguard.budget.SpendQuery;
import io.llmguard.budget.SpendSum;
import io.llmguard.jdbc.JdbcKeyStore;
import io.llmguard.jdbc.JdbcSpendLedger;
import io.llmguard.jdbc.SqliteDataSource;
import io.llmguard.key.KeyStore;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.HttpContract;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.Recording;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.UpstreamTransport;
import io.llmguard.upstream.jetty.JettyTransport;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys and spend in a database, and Jetty's client: none of them may block an event loop. */
@Tag("server")
class DatabasesTest extends HttpContract {
  private static final Recording CHAT = Recording.of("chat-once");
  private static final int CLIENTS = 8;
  private static final int CALLS = 25;

  @TempDir private Path folder = Path.of("");
  private SqliteDataSource database;
  private JdbcSpendLedger ledger;

  @Override
  protected Server start(Guard guard, Proxy proxy) {
    return Gateway.start(guard, proxy, BODY_DEADLINE);
  }

  @Override
  protected KeyStore store() throws Exception {
    database = SqliteDataSource.open(folder.resolve("llmguard.db"));
    return new JdbcKeyStore(database);
  }

  @Override
  protected UpstreamTransport transport() {
    return new JettyTransport(TransportSettings.builder().build());
  }

  @Override
  protected StandardGuard.Builder guard() throws Exception {
    ledger = new JdbcSpendLedger(database, TimeSource.system(), ZoneOffset.UTC);
    Budget ofEachKey =
        Budget.of(BudgetScope.KEY, BudgetWindow.fixed("1d")).tokens(1_000_000_000).build();
    Budget ofNobody =
        Budget.of(BudgetScope.KEY, BudgetWindow.fixed("1d")).only("narrow").tokens(0).build();
    return super.guard()
        .stage(
            Place.BUDGET,
            BudgetStage.builder(ledger).budgets(List.of(ofEachKey, ofNobody)).build());
  }

  @AfterEach
  void closeDatabase() throws Exception {
    server.close();
    ledger.close();
    database.close();
  }

  private static int chat(RawHttp client, String authorization) throws Exception {
    client.post("/api/chat", "{\"model\":\"a\",\"messages\":[]}", authorization);
    int status = client.readHead().status();
    client.readBody();
    return status;
  }

  @Test
  void callsOfManyClientsAreAdmittedAndPaidFor() throws Exception {
    upstream.on("POST", "/api/chat", Answer.replay(CHAT));
    List<CompletableFuture<Void>> clients = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(
          CompletableFuture.runAsync(
              () -> {
                try (RawHttp client = connect()) {
                  for (int call = 0; call < CALLS; call++) {
                    assertThat(chat(client, authorization())).isEqualTo(200);
                  }
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              }));
    }
    for (CompletableFuture<Void> client : clients) {
      client.get(60, TimeUnit.SECONDS);
    }
    for (int i = 0; i < CLIENTS * CALLS; i++) {
      assertThat(nextEnded().outcome().word()).isEqualTo("completed");
    }
    ledger.close(); // writes what waits
    SpendSum sum = ledger.sums(SpendQuery.ALL, SpendGroup.ALL).get(0);
    assertThat(sum.calls()).isEqualTo(CLIENTS * CALLS);
    assertThat(sum.outputTokens()).isPositive();
  }

  @Test
  void whatTheDatabaseSaysLaterIsObeyed() throws Exception {
    upstream.on("POST", "/api/chat", Answer.replay(CHAT));
    try (RawHttp client = connect()) {
      assertThat(chat(client, narrowAuthorization())).isEqualTo(429);
      assertThat(nextEnded().outcome().word()).isEqualTo("refused:budget-exceeded");
      assertThat(chat(client, authorization())).isEqualTo(200);
      assertThat(upstream.requests()).hasSize(1);
    }
  }
}
