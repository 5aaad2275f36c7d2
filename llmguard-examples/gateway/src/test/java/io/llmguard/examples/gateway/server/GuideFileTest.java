package io.llmguard.examples.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.llmguard.examples.gateway.config.ConfigException;
import io.llmguard.testkit.LangfuseSchema;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/**
 * The hardening guide's file for LiteLLM: it starts the gateway, and each line does what it says.
 */
class GuideFileTest {
  /** As it stands in the guide, to the letter. */
  private static final String GUIDE =
      """
      model_list:
        - model_name: "moltbot-llm"
          litellm_params:
            model: "ollama/mistral"
            api_base: "http://127.0.0.1:11434"
      general_settings:
        master_key: "sk-${LITELLM_MASTER_KEY}"
      litellm_settings:
        max_budget: 100
        budget_duration: "1mo"
        success_callback: ["langfuse"]
      router_settings:
        routing_strategy: "usage-based-routing"
        num_retries: 3
      """;

  /** Where this machine has room; the guide's file has no section of ours. */
  private static final String PLACES =
      "llmguard: {listen: \"127.0.0.1:0\", data_dir: \"${DATA}\"}\n";

  private static final String API_BASE = "\"http://127.0.0.1:11434\"";
  private static final String SUCCESS = "  success_callback: [\"langfuse\"]\n";
  private static final String BOTH = SUCCESS + "  failure_callback: [\"langfuse\"]\n";
  private static final Map<String, String> KEY =
      Map.of("LITELLM_MASTER_KEY", "0123456789abcdef0123456789abcdef");
  private static final String[] AUTH = {
    "Authorization", "Bearer sk-0123456789abcdef0123456789abcdef"
  };
  private static final String CHAT =
      "{\"model\":\"moltbot-llm\",\"stream\":false,"
          + "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"options\":{\"num_predict\":100}}";
  private static final String OPENAI_STREAM =
      "{\"model\":\"moltbot-llm\",\"stream\":true,\"max_tokens\":9,"
          + "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder = Path.of("");
  private final ConcurrentLinkedQueue<JsonNode> asked = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<String> reported = new ConcurrentLinkedQueue<>();
  private final List<HttpServer> servers = new ArrayList<>();
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private final Logger log = (Logger) LoggerFactory.getLogger(Spending.class);
  private String ollama = "";
  private String langfuse = "";

  @BeforeEach
  void startServers() throws IOException {
    ollama =
        serve(
            exchange -> {
              switch (exchange.getRequestURI().getPath()) {
                case "/api/tags", "/api/ps" ->
                    answer(
                        exchange,
                        200,
                        "{\"models\":[{\"name\":\"mistral:latest\",\"model\":\"mistral:latest\","
                            + "\"modified_at\":\"2026-01-01T00:00:00Z\",\"size\":1,\"digest\":\"d\"}]}");
                case "/v1/models" ->
                    answer(
                        exchange,
                        200,
                        "{\"object\":\"list\",\"data\":[{\"id\":\"mistral:latest\",\"object\":\"model\","
                            + "\"created\":1,\"owned_by\":\"library\"}]}");
                case "/api/chat" -> chat(exchange);
                case "/v1/chat/completions" -> completion(exchange);
                default -> answer(exchange, 404, "{}");
              }
            });
    langfuse =
        serve(
            exchange -> {
              reported.add(text(exchange));
              answer(exchange, 207, "{\"successes\":[],\"errors\":[]}");
            });
    logged.start();
    log.addAppender(logged);
  }

  @AfterEach
  void stopServers() {
    log.detachAppender(logged);
    servers.forEach(server -> server.stop(0));
  }

  private String serve(com.sun.net.httpserver.HttpHandler handler) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", handler);
    server.start();
    servers.add(server);
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  private static String text(HttpExchange exchange) throws IOException {
    return new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
  }

  private static void answer(HttpExchange exchange, int status, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, body.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(body);
    }
  }

  /** Generates what the ceiling allows; knows no answer to one question. */
  private void chat(HttpExchange exchange) throws IOException {
    JsonNode call = JSON.readTree(text(exchange));
    asked.add(call);
    if (call.at("/messages/0/content").asText().equals("fail")) {
      answer(exchange, 500, "{\"error\":\"out of memory\"}");
      return;
    }
    answer(
        exchange,
        200,
        "{\"model\":\"mistral\",\"message\":{\"role\":\"assistant\",\"content\":\"x\"},\"done\":true,"
            + "\"done_reason\":\"length\",\"prompt_eval_count\":10,\"eval_count\":"
            + call.at("/options/num_predict").asInt()
            + "}");
  }

  private void completion(HttpExchange exchange) throws IOException {
    asked.add(JSON.readTree(text(exchange)));
    exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
    answer(
        exchange,
        200,
        "data: {\"model\":\"mistral\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"
            + "data: {\"model\":\"mistral\",\"choices\":[{\"index\":0,\"delta\":{},"
            + "\"finish_reason\":\"stop\"}]}\n\n"
            + "data: {\"model\":\"mistral\",\"choices\":[],"
            + "\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n"
            + "data: [DONE]\n\n");
  }

  private RunningGateway start(String file, Map<String, String> variables) throws IOException {
    return RunningGateway.start(
        folder, file.replace(API_BASE, '"' + ollama + '"') + PLACES, variables);
  }

  private Map<String, String> withLangfuse() {
    return Map.of(
        "LITELLM_MASTER_KEY",
        "0123456789abcdef0123456789abcdef",
        "LANGFUSE_PUBLIC_KEY",
        "pk-lf-1",
        "LANGFUSE_SECRET_KEY",
        "sk-lf-2",
        "LANGFUSE_HOST",
        langfuse);
  }

  /** The file while its model was dear: one call costs 99.999 USD. */
  private static String dear(String file) {
    return file.replace(API_BASE, API_BASE + "\n      output_cost_per_token: 0.99999");
  }

  private static void spendAlmostAll(RunningGateway gateway) throws Exception {
    assertThat(gateway.post("/api/chat", CHAT, AUTH).statusCode()).isEqualTo(200);
  }

  @Test
  void itStartsWithTheMasterKeyAloneAndItsAliasAnswers() throws Exception {
    try (RunningGateway gateway = start(GUIDE, KEY)) {
      assertThat(gateway.warnings())
          .singleElement()
          .asString()
          .contains("success_callback: langfuse is off", "LANGFUSE_PUBLIC_KEY", ":11:");
      assertThat(logged.list)
          .extracting(ILoggingEvent::getFormattedMessage)
          .singleElement()
          .asString()
          .contains("moltbot-llm has no price", "0.80 USD for an hour");

      assertThat(gateway.get("/api/tags", AUTH).body())
          .contains("\"moltbot-llm\"")
          .doesNotContain("mistral");
      assertThat(gateway.get("/v1/models", AUTH).body())
          .contains("\"moltbot-llm\"")
          .doesNotContain("mistral");
      JsonNode plain = JSON.readTree(gateway.post("/api/chat", CHAT, AUTH).body());
      assertThat(plain.get("model").asText()).isEqualTo("moltbot-llm");
      assertThat(gateway.post("/v1/chat/completions", OPENAI_STREAM, AUTH).body())
          .contains("\"model\":\"moltbot-llm\"", "[DONE]")
          .doesNotContain("mistral");
      assertThat(asked)
          .hasSize(2)
          .allSatisfy(call -> assertThat(call.get("model").asText()).isEqualTo("mistral"));
      assertThat(gateway.post("/api/chat", CHAT).statusCode()).isEqualTo(401);

      // num_retries
      asked.clear();
      assertThat(gateway.post("/api/chat", CHAT.replace("hi", "fail"), AUTH).statusCode())
          .isGreaterThanOrEqualTo(500);
      assertThat(asked).hasSize(4);

      gateway.stop();
      JsonNode line = JSON.readTree(gateway.auditLines().get(2));
      assertThat(line.get("model").asText()).isEqualTo("moltbot-llm");
      assertThat(line.get("costUsd").decimalValue()).isPositive();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTC", "Pacific/Auckland", "America/Los_Angeles"})
  void aCallPastTheBudgetIsRefusedUntilTheFirstOfTheNextMonth(String zone) throws Exception {
    // UTC holds where the file names no zone
    String file =
        zone.equals("UTC")
            ? GUIDE
            : GUIDE.replace("  max_budget", "  timezone: \"" + zone + "\"\n  max_budget");
    try (RunningGateway gateway = start(dear(file), KEY)) {
      spendAlmostAll(gateway);
    }
    asked.clear();
    try (RunningGateway gateway = start(file, KEY)) {
      HttpResponse<String> refused = gateway.post("/api/chat", CHAT, AUTH);
      ZonedDateTime now = Instant.now().atZone(ZoneId.of(zone));
      Instant resets =
          now.toLocalDate()
              .withDayOfMonth(1)
              .plusMonths(1)
              .atTime(LocalTime.MIN)
              .atZone(now.getZone())
              .toInstant();
      assertThat(refused.statusCode()).isEqualTo(429);
      assertThat(JSON.readTree(refused.body()).get("error").asText())
          .isEqualTo("the budget of this server is used up; it resets at " + resets);
      assertThat(Long.parseLong(refused.headers().firstValue("Retry-After").orElseThrow()))
          .isCloseTo(
              now.toInstant().until(resets, java.time.temporal.ChronoUnit.SECONDS), within(5L));
      assertThat(gateway.post("/v1/chat/completions", OPENAI_STREAM, AUTH).statusCode())
          .isEqualTo(429);
      assertThat(asked).isEmpty();
    }
  }

  @Test
  void langfuseHasEachCallAsItsSchemaSays() throws Exception {
    try (RunningGateway gateway = start(GUIDE, withLangfuse())) {
      assertThat(gateway.warnings()).isEmpty();
      gateway.post("/api/chat", CHAT, AUTH);
      gateway.post("/v1/chat/completions", OPENAI_STREAM, AUTH);
      // the line says success
      gateway.post("/api/chat", CHAT.replace("hi", "fail"), AUTH);
    }
    List<JsonNode> succeeded = generations();
    assertThat(succeeded)
        .extracting(call -> call.at("/metadata/path").asText() + call.at("/metadata/stream"))
        .containsExactly("/api/chatfalse", "/v1/chat/completionstrue");
    assertThat(succeeded)
        .allSatisfy(
            call -> {
              assertThat(call.get("model").asText()).isEqualTo("moltbot-llm");
              assertThat(call.get("level").asText()).isEqualTo("DEFAULT");
              assertThat(call.at("/costDetails/total").decimalValue()).isPositive();
            });
    assertThat(succeeded)
        .extracting(call -> call.at("/usageDetails/total").asInt())
        .containsExactly(110, 9);

    String both = GUIDE.replace(SUCCESS, BOTH);
    try (RunningGateway gateway = start(dear(both), withLangfuse())) {
      gateway.post("/api/chat", CHAT.replace("hi", "fail"), AUTH);
      spendAlmostAll(gateway);
    }
    try (RunningGateway gateway = start(both, withLangfuse())) {
      assertThat(gateway.post("/api/chat", CHAT, AUTH).statusCode()).isEqualTo(429);
    }
    List<JsonNode> all = generations();
    assertThat(all)
        .extracting(call -> call.get("level").asText())
        .containsExactly("ERROR", "DEFAULT", "ERROR");
    assertThat(all.get(0).get("statusMessage").asText()).endsWith("500");
    assertThat(all.get(1).at("/costDetails/total").decimalValue()).isEqualByComparingTo("99.999");
    assertThat(all.get(2).get("statusMessage").asText()).isEqualTo("refused:budget-exceeded 429");
  }

  /** What Langfuse was sent since it was last asked for, all of it valid. */
  private List<JsonNode> generations() {
    List<JsonNode> calls = new ArrayList<>();
    for (String body = reported.poll(); body != null; body = reported.poll()) {
      assertThat(body).doesNotContain("\"hi\"", "0123456789abcdef0123456789abcdef");
      for (JsonNode event : LangfuseSchema.events(body)) {
        if (event.get("type").asText().equals("generation-create")) {
          calls.add(event.get("body"));
        }
      }
    }
    return calls;
  }

  @Test
  void withoutTheMasterKeyTheStartFailsAndNamesTheVariableAndTheLine() {
    assertThatThrownBy(() -> start(GUIDE, Map.of()).close())
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("LITELLM_MASTER_KEY")
        .hasMessageContaining("general_settings.master_key")
        .hasMessageContaining("config.yaml:7");
  }
}
