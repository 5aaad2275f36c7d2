package io.llmguard.examples.gateway.server;

import static io.llmguard.examples.gateway.server.RunningGateway.CHAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.ConfigException;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** A running gateway takes settings that have changed. */
class ReloadTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String MASTER = "sk-0123456789abcdef0123456789abcdef";
  private static final String KEY = "X-Api-Key: " + MASTER;
  private static final String[] CALLER = {"X-Api-Key", MASTER};

  @TempDir private Path folder = Path.of("");

  ReloadTest() {}

  private static String settings(String perKey, String more) {
    return model("0.000001", "general_settings: {master_key: " + MASTER + "}\n")
        + "llmguard:\n  listen: 127.0.0.1:0\n  data_dir: ${DATA}\n"
        + ("rate_limits: {per_key: " + perKey + ", per_ip: {requests: 9999, per: 1s}}\n" + more)
            .indent(2);
  }

  private static String model(String price, String more) {
    String list =
        """
        model_list:
          - model_name: gemma3:270m
            litellm_params: {model: "ollama/gemma3:270m", api_base: "${UPSTREAM}", output_cost_per_token: PRICE}
        """;
    return list.replace("PRICE", price) + more;
  }

  private static RawHttp connect(RunningGateway gateway) throws Exception {
    return RawHttp.connect(URI.create(gateway.url()).getPort());
  }

  private static int status(RunningGateway gateway) throws Exception {
    return gateway.get("/api/version", CALLER).statusCode();
  }

  @Test
  void aLimitChangesForCallsThatComeAndNotForTheStreamUnderWay() throws Exception {
    ReplayUpstream upstream = ReplayUpstream.start();
    Recording stream = Recording.of("chat-stream");
    Gate gate = Gate.closed();
    String wide = settings("{requests: 1, per: 1h, burst: 1}", "concurrency: {per_key: 2}");
    try (RunningGateway gateway = RunningGateway.start(folder, wide, upstream);
        RawHttp client = connect(gateway)) {
      upstream.enqueue(Answer.replay(stream).gateBeforeChunk(2, gate));
      client.post("/api/chat", CHAT, KEY);
      assertThat(client.readHead().status()).isEqualTo(200);
      gate.reached().get(20, TimeUnit.SECONDS);

      // the one call so far counts against the new limit too
      gateway.reload(settings("{requests: 1, per: 9h, burst: 1}", "concurrency: {per_key: 2}"));
      assertThat(status(gateway)).isEqualTo(200);
      assertThat(status(gateway)).isEqualTo(429);

      // and it still holds its place among the calls at once
      gateway.reload(settings("{requests: 1000000, per: 1s}", "concurrency: {per_key: 1}"));
      assertThat(gateway.get("/api/version", CALLER).body()).contains("too many calls");

      gate.open();
      assertThat(client.readText()).isEqualTo(stream.responseText());
      assertThat(client.end()).isEqualTo(RawHttp.End.COMPLETE);
      awaitOk(gateway);
      gateway.stop();
      assertThat(gateway.auditLines())
          .filteredOn(line -> line.contains("/api/chat"))
          .singleElement()
          .satisfies(
              line ->
                  assertThat(JSON.readTree(line).get("outcome").asText()).isEqualTo("completed"));
    }
  }

  /** The place of a call is free a moment after its last byte. */
  private static void awaitOk(RunningGateway gateway) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    int seen = 0;
    while (seen != 200 && System.nanoTime() < deadline) {
      seen = status(gateway);
    }
    assertThat(seen).isEqualTo(200);
  }

  @Test
  void aPriceChangesForCallsThatComeAndBudgetsGoOn() throws Exception {
    String rest = "litellm_settings: {max_budget: 100, budget_duration: 1d}\n";
    String limits = settings("{requests: 100, per: 1s, burst: 100}", "");
    try (RunningGateway gateway =
        RunningGateway.start(folder, rest + limits, ReplayUpstream.start())) {
      gateway.post("/api/chat", chat(), CALLER);
      gateway.reload(rest + limits.replace("0.000001", "0.01"));
      gateway.post("/api/chat", chat(), CALLER);
      JsonNode spend = JSON.readTree(gateway.get("/global/spend", CALLER).body());
      assertThat(spend.get("max_budget").asInt()).isEqualTo(100);
      gateway.reload(rest.replace("100", "0.0001") + limits.replace("0.000001", "0.01"));
      // what both calls have spent counts against the budget that is smaller now
      assertThat(gateway.post("/api/chat", chat(), CALLER).body()).contains("budget");
      gateway.stop();
      List<Double> costs = new ArrayList<>();
      for (String line : gateway.auditLines()) {
        if (line.contains("\"outcome\":\"completed\"") && line.contains("/api/chat")) {
          costs.add(JSON.readTree(line).get("costUsd").asDouble());
        }
      }
      assertThat(costs).containsExactly(0.00006, 0.6);
    }
  }

  private static String chat() {
    return Recording.of("chat-stream").bodyText();
  }

  @Test
  void networksAndTheMasterKeyChange() throws Exception {
    String limit = "{requests: 100, per: 1s, burst: 100}";
    try (RunningGateway gateway = RunningGateway.start(folder, settings(limit, ""))) {
      assertThat(status(gateway)).isEqualTo(200);
      gateway.reload(settings(limit, "deny_networks: [127.0.0.0/8]"));
      assertThat(status(gateway)).isEqualTo(403);
      gateway.reload(settings(limit, "").replace(MASTER, MASTER + "x"));
      assertThat(status(gateway)).isEqualTo(401);
      assertThat(gateway.get("/api/version", "X-Api-Key", MASTER + "x").statusCode())
          .isEqualTo(200);
    }
  }

  @Test
  void settingsThatCannotBeUsedChangeNothing() throws Exception {
    String limit = "{requests: 100, per: 1s, burst: 100}";
    try (RunningGateway gateway = RunningGateway.start(folder, settings(limit, ""))) {
      assertThatThrownBy(
              () -> gateway.reload(settings("{requests: many, per: 1s, burst: 100}", "")))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("config.yaml:")
          .hasMessageContaining("rate_limits.per_key.requests");
      String strange = settings(limit, "budgets: [{for: key, name: nobody, usd: 1, window: 1d}]");
      assertThatThrownBy(() -> gateway.reload(strange)).isInstanceOf(Main.UserError.class);
      assertThat(status(gateway)).isEqualTo(200);
    }
  }

  @Test
  void whatNeedsARestartIsNamedAndTheRestHolds() throws Exception {
    String limit = "{requests: 100, per: 1s, burst: 100}";
    try (RunningGateway gateway = RunningGateway.start(folder, settings(limit, ""));
        Log log = Log.of(Gateway.class)) {
      gateway.reload(
          settings(limit, "deny_networks: [127.0.0.0/8]\naudit: {content: true}\n")
              .replace("127.0.0.1:0", "127.0.0.1:1"));
      assertThat(log.messages()).contains("after a restart only: llmguard.listen, llmguard.audit");
      assertThat(status(gateway)).isEqualTo(403);
    }
  }

  @Test
  void theFileIsWatchedAndABrokenOneIsReportedByLineAndSetting() throws Exception {
    Path file = folder.resolve("config.yaml");
    Files.writeString(file, "llmguard:\n  listen: 127.0.0.1:1\n");
    List<GatewayConfig> taken = new ArrayList<>();
    try (ConfigWatch watch = new ConfigWatch(file);
        Log log = Log.of(ConfigWatch.class)) {
      Runnable look = () -> watch.look(() -> RunningConfig.read(file), taken::add);
      look.run();
      look.run();
      assertThat(taken).isEmpty();
      write(file, "llmguard:\n  listen: 127.0.0.1:2\n", 1);
      look.run();
      // it may still be being written
      assertThat(taken).isEmpty();
      look.run();
      look.run();
      assertThat(taken).singleElement().satisfies(c -> assertThat(c.listen().port()).isEqualTo(2));

      write(file, "llmguard:\n  listne: 127.0.0.1:3\n", 2);
      look.run();
      look.run();
      look.run();
      assertThat(taken).hasSize(1);
      assertThat(log.messages())
          .singleElement()
          .asString()
          .contains("the settings that run stay", "config.yaml:2", "llmguard.listne");
      Files.delete(file);
      look.run();
      look.run();
      write(file, "llmguard:\n  listen: 127.0.0.1:4\n", 3);
      look.run();
      look.run();
      assertThat(taken).hasSize(2);
    }
  }

  @Test
  void theWatchLooksByItself() throws Exception {
    Path file = folder.resolve("config.yaml");
    Files.writeString(file, "llmguard:\n  listen: 127.0.0.1:1\n");
    java.util.concurrent.CompletableFuture<GatewayConfig> taken =
        new java.util.concurrent.CompletableFuture<>();
    try (ConfigWatch watch = new ConfigWatch(file)) {
      watch.start(() -> RunningConfig.read(file), taken::complete);
      write(file, "llmguard:\n  listen: 127.0.0.1:2\n", 1);
      assertThat(taken.get(20, TimeUnit.SECONDS).listen().port()).isEqualTo(2);
    }
  }

  private static void write(Path file, String text, int later) throws Exception {
    Files.write(file, text.getBytes(StandardCharsets.UTF_8));
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(later)));
  }

  /** Reads without an environment. */
  private static final class RunningConfig {
    static GatewayConfig read(Path file) {
      return io.llmguard.examples.gateway.config.ConfigReader.read(file, name -> null);
    }
  }

  /** What a class logs while this is open. */
  private static final class Log implements AutoCloseable {
    private final Logger logger;
    private final ListAppender<ILoggingEvent> appender = new ListAppender<>();

    private Log(Logger logger) {
      this.logger = logger;
      appender.start();
      logger.addAppender(appender);
    }

    static Log of(Class<?> type) {
      return new Log((Logger) LoggerFactory.getLogger(type));
    }

    List<String> messages() {
      return List.copyOf(appender.list).stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    @Override
    public void close() {
      logger.detachAppender(appender);
    }
  }
}
