package io.llmguard.examples.gateway.server;

import static io.llmguard.examples.gateway.server.RunningGateway.CHAT;
import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.jdbc.SqliteDataSource;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReplayUpstream;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the gateway cannot do without is seen in its health and its metrics. */
@Timeout(60)
class HealthTest {
  private static final String MASTER = "sk-0123456789abcdef0123456789abcdef";
  private static final String[] CALLER = {"X-Api-Key", MASTER};

  @TempDir private Path folder = Path.of("");

  HealthTest() {}

  private RunningGateway start(String more) throws Exception {
    return RunningGateway.start(
        folder,
        "general_settings: {master_key: "
            + MASTER
            + "}\n"
            + RunningGateway.settings(
                "rate_limits: {per_key: {requests: 999999, per: 1s, burst: 999999},"
                    + " per_ip: {requests: 999999, per: 1s, burst: 999999}}\n"
                    + more));
  }

  private void rename(RunningGateway gateway, String from, String to) throws Exception {
    try (SqliteDataSource database = SqliteDataSource.open(gateway.data().resolve("llmguard.db"));
        Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("ALTER TABLE " + from + " RENAME TO " + to);
    }
  }

  /** Asks until the word is there; the test's own time-out is what fails it. */
  private static void await(RunningGateway gateway, int status, String word) throws Exception {
    HttpResponse<String> answer;
    do {
      answer = gateway.get("/health/ready");
    } while (answer.statusCode() != status);
    assertThat(answer.body()).isEqualTo(word + "\n");
    assertThat(gateway.get("/health/live").statusCode()).isEqualTo(200);
  }

  private static void assertMeter(RunningGateway gateway, String name, String value)
      throws Exception {
    assertThat(gateway.get("/metrics", CALLER).body().lines()).contains(name + " " + value);
  }

  @Test
  void aKeyStoreThatIsOutOfReach() throws Exception {
    try (RunningGateway gateway = start("key_staleness: 300ms")) {
      await(gateway, 200, "ok");
      assertMeter(gateway, "llmguard_key_store_up", "1.0");
      rename(gateway, "llmguard_key_revision", "elsewhere");
      await(gateway, 503, "keys");
      assertMeter(gateway, "llmguard_key_store_up", "0.0");
      // a key that nobody can look up lets nobody in
      assertThat(
              gateway
                  .get(
                      "/api/version",
                      "X-Api-Key",
                      io.llmguard.key.ApiKey.generate(new java.security.SecureRandom()).reveal())
                  .statusCode())
          .isEqualTo(503);
      rename(gateway, "elsewhere", "llmguard_key_revision");
      await(gateway, 200, "ok");
    }
  }

  @Test
  void aLedgerThatIsOutOfReach() throws Exception {
    try (RunningGateway gateway = start("budgets: [{for: global, usd: 100}]")) {
      assertThat(gateway.post("/api/chat", CHAT, CALLER).statusCode()).isEqualTo(200);
      assertMeter(gateway, "llmguard_budget_store_up", "1.0");
      rename(gateway, "llmguard_spend_account", "elsewhere");
      assertThat(gateway.post("/api/chat", CHAT, CALLER).statusCode()).isEqualTo(503);
      await(gateway, 503, "budgets");
      assertMeter(gateway, "llmguard_budget_store_up", "0.0");
      rename(gateway, "elsewhere", "llmguard_spend_account");
      gateway.post("/api/chat", CHAT, CALLER);
      await(gateway, 200, "ok");
    }
  }

  @Test
  void serversThatAreAllLeftAlone() throws Exception {
    String model = "{model_name: m, litellm_params: {model: ollama/m, api_base: '${UPSTREAM}'}}";
    ReplayUpstream upstream = ReplayUpstream.start();
    try (RunningGateway gateway =
        RunningGateway.start(
            folder,
            "model_list: ["
                + model
                + "]\nrouter_settings: {allowed_fails: 0, cooldown_time: 3600, num_retries: 0}\n"
                + "general_settings: {master_key: "
                + MASTER
                + "}\nllmguard: {listen: '127.0.0.1:0', data_dir: '${DATA}'}\n",
            upstream)) {
      await(gateway, 200, "ok");
      upstream.enqueue(Answer.status(503, "application/json", "{}"));
      gateway.post("/api/chat", CHAT.replace("gemma3:270m", "m"), CALLER);
      await(gateway, 503, "upstreams");
      assertThat(upstream.requests()).as("nobody is asked for it").hasSize(1);
    }
  }

  @Test
  void aTrailThatCannotBeWritten() throws Exception {
    try (RunningGateway gateway = start("")) {
      gateway.get("/api/version", CALLER);
      assertMeter(gateway, "llmguard_audit_up", "1.0");
      Path aside = folder.resolve("aside");
      Files.move(gateway.auditFile(), aside);
      Files.createDirectory(gateway.auditFile());
      gateway.get("/api/version", CALLER);
      await(gateway, 503, "audit");
      assertMeter(gateway, "llmguard_audit_up", "0.0");
      Files.delete(gateway.auditFile());
      Files.move(aside, gateway.auditFile());
      await(gateway, 200, "ok");
    }
  }
}
