package io.llmguard.examples.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.llmguard.examples.gateway.Main;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BudgetGatewayTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String KEY = "sk-0123456789abcdef0123456789abcdef";
  private static final String[] AUTH = {"Authorization", "Bearer " + KEY};
  private static final String NO_RATES =
      "rate_limits: {per_key: {requests: 99999, per: 1s, burst: 99999},"
          + " per_ip: {requests: 99999, per: 1s, burst: 99999}}";

  @TempDir private Path folder = Path.of("");
  private final ConcurrentLinkedQueue<JsonNode> received = new ConcurrentLinkedQueue<>();
  private HttpServer model;
  private ExecutorService threads;

  /** A server that generates what the ceiling allows, and says so. */
  @BeforeEach
  void startModel() throws IOException {
    threads = Executors.newCachedThreadPool();
    model = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    model.setExecutor(threads);
    model.createContext("/api/chat", this::chat);
    model.createContext("/v1/chat/completions", this::completion);
    model.createContext("/api/generate", BudgetGatewayTest::endless);
    model.start();
  }

  @AfterEach
  void stopModel() {
    model.stop(0);
    threads.shutdownNow();
  }

  private void chat(HttpExchange exchange) throws IOException {
    JsonNode call = JSON.readTree(exchange.getRequestBody());
    received.add(call);
    int tokens = call.path("options").path("num_predict").asInt(5_000);
    answer(
        exchange,
        "application/json",
        "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"x\"},\"done\":true,"
            + "\"done_reason\":\"length\",\"prompt_eval_count\":10,\"eval_count\":"
            + tokens
            + "}");
  }

  private void completion(HttpExchange exchange) throws IOException {
    JsonNode call = JSON.readTree(exchange.getRequestBody());
    received.add(call);
    String usage =
        call.path("stream_options").path("include_usage").asBoolean()
            ? "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n"
            : "";
    answer(
        exchange,
        "text/event-stream",
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
            + "data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\n"
            + usage
            + "data: [DONE]\n\n");
  }

  /** Knows no end, whatever it is told. */
  private static void endless(HttpExchange exchange) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", "application/x-ndjson");
    exchange.sendResponseHeaders(200, 0);
    byte[] token =
        "{\"model\":\"m\",\"response\":\"x\",\"done\":false}\n".getBytes(StandardCharsets.UTF_8);
    try (OutputStream out = exchange.getResponseBody()) {
      while (!Thread.currentThread().isInterrupted()) {
        out.write(token);
        out.flush();
      }
    }
  }

  private static void answer(HttpExchange exchange, String type, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(200, body.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(body);
    }
  }

  private String config(String litellm, String params, String own) {
    return "model_list:\n"
        + "  - model_name: m\n"
        + "    litellm_params:\n"
        + "      model: ollama/m\n"
        + ("      api_base: http://127.0.0.1:" + model.getAddress().getPort() + "\n")
        + params.indent(6)
        + "general_settings: {master_key: "
        + KEY
        + "}\n"
        + litellm
        + "llmguard:\n  listen: 127.0.0.1:0\n  data_dir: ${DATA}\n"
        + (NO_RATES + "\n" + own).indent(2);
  }

  private static String call(int tokens) {
    return "{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
        + "\"options\":{\"num_predict\":"
        + tokens
        + "}}";
  }

  private static JsonNode usage(RunningGateway gateway, Path folder, String... more)
      throws Exception {
    Path file = folder.resolve("usage.yaml");
    Files.writeString(file, "llmguard: {data_dir: " + gateway.data() + "}\n");
    List<String> args = new ArrayList<>(List.of("usage", "--json", "--config", file.toString()));
    args.addAll(List.of(more));
    StringWriter out = new StringWriter();
    int code =
        Main.commandLine().setOut(new PrintWriter(out, true)).execute(args.toArray(String[]::new));
    assertThat(code).isZero();
    return JSON.readTree(out.toString());
  }

  @Test
  void lessonTwoHundredCallsAtOnceOnABudgetForTwentyNeverSpendMore() throws Exception {
    String yaml =
        config(
            "litellm_settings: {max_budget: 2, budget_duration: 1mo}\n",
            "input_cost_per_token: 0\noutput_cost_per_token: 0.001",
            "");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      List<CompletableFuture<HttpResponse<String>>> calls = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        calls.add(
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return gateway.post("/api/chat", call(100), AUTH);
                  } catch (Exception e) {
                    throw new AssertionError(e);
                  }
                },
                threads));
      }
      List<HttpResponse<String>> answers = calls.stream().map(CompletableFuture::join).toList();
      assertThat(answers).filteredOn(answer -> answer.statusCode() == 200).hasSize(20);
      HttpResponse<String> refused =
          answers.stream().filter(answer -> answer.statusCode() == 429).findAny().orElseThrow();
      assertThat(refused.body()).contains("budget");
      assertThat(refused.headers().firstValue("Retry-After")).isPresent();
      assertThat(gateway.post("/api/chat", call(1), AUTH).body()).contains("resets at");
      gateway.stop();
      BigDecimal sum = BigDecimal.ZERO;
      for (String line : gateway.auditLines()) {
        JsonNode cost = JSON.readTree(line).path("costUsd");
        sum = cost.isNumber() ? sum.add(cost.decimalValue()) : sum;
      }
      assertThat(sum).isEqualByComparingTo("2");
      JsonNode spent = usage(gateway, folder, "--by", "model", "--since", "1d");
      assertThat(spent).hasSize(1);
      assertThat(spent.get(0).get("model").asText()).isEqualTo("m");
      assertThat(spent.get(0).get("calls").asInt()).isEqualTo(20);
      assertThat(spent.get(0).get("outputTokens").asInt()).isEqualTo(2_000);
      assertThat(spent.get(0).get("costUsd").decimalValue()).isEqualByComparingTo("2");
    }
  }

  @Test
  void aRefusalSaysThatTheMonthResetsOnTheFirstInTheNamedZone() throws Exception {
    ZoneId zone = ZoneId.of("Pacific/Auckland");
    String yaml =
        config(
            "litellm_settings: {max_budget: 0.1, budget_duration: 1mo, timezone: " + zone + "}\n",
            "output_cost_per_token: 0.001",
            "");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      assertThat(gateway.post("/api/chat", call(100), AUTH).statusCode()).isEqualTo(200);
      YearMonth before = YearMonth.now(zone);
      HttpResponse<String> refused = gateway.post("/api/chat", call(100), AUTH);
      YearMonth after = YearMonth.now(zone);
      if (!before.equals(after)) {
        refused = gateway.post("/api/chat", call(200), AUTH); // midnight has just passed
      }
      assertThat(refused.statusCode()).isEqualTo(429);
      Instant first = after.plusMonths(1).atDay(1).atStartOfDay(zone).toInstant();
      assertThat(refused.body()).contains("resets at " + first);
      long seconds = Long.parseLong(refused.headers().firstValue("Retry-After").orElseThrow());
      assertThat(Instant.now().plusSeconds(seconds))
          .isBetween(first.minusSeconds(60), first.plusSeconds(60));
    }
  }

  @Test
  void aRestartForgetsNothingThatWasSpent() throws Exception {
    String yaml =
        config("", "output_cost_per_token: 0.001", "budgets: [{for: key, usd: 0.15, window: 1d}]");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      assertThat(gateway.post("/api/chat", call(100), AUTH).statusCode()).isEqualTo(200);
    }
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      assertThat(gateway.post("/api/chat", call(100), AUTH).statusCode()).isEqualTo(429);
      assertThat(gateway.post("/api/chat", call(50), AUTH).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void whatWasReservedIsTheCeilingOfACallThatSetsNone() throws Exception {
    String yaml =
        config(
            "", "", "budgets: [{for: key, tokens: 1000, window: 1h}]\nspend: {output_tokens: 77}");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      String open =
          "{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
      assertThat(gateway.post("/api/chat", open, AUTH).statusCode()).isEqualTo(200);
      assertThat(received.remove().at("/options/num_predict").asInt()).isEqualTo(77);
      // no end at all is no way out
      assertThat(gateway.post("/api/chat", call(-1), AUTH).statusCode()).isEqualTo(200);
      assertThat(received.remove().at("/options/num_predict").asInt()).isEqualTo(77);
    }
  }

  @Test
  void aStreamIsAskedForItsCountsAndTheClientSeesWhatItAskedFor() throws Exception {
    try (RunningGateway gateway =
        RunningGateway.start(folder, config("", "output_cost_per_token: 0.001", ""))) {
      String chat =
          "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
      HttpResponse<String> answer = gateway.post("/v1/chat/completions", chat, AUTH);
      assertThat(answer.body()).contains("\"a\"", "\"b\"", "[DONE]").doesNotContain("usage");
      String asked =
          chat.replace(
              "\"stream\":true", "\"stream\":true,\"stream_options\":{\"include_usage\":true}");
      assertThat(gateway.post("/v1/chat/completions", asked, AUTH).body()).contains("usage");
      gateway.stop();
      JsonNode line = JSON.readTree(gateway.auditLines().get(0));
      assertThat(line.get("inputTokens").asInt()).isEqualTo(7);
      assertThat(line.get("outputTokens").asInt()).isEqualTo(2);
      assertThat(line.get("costUsd").decimalValue()).isEqualByComparingTo("0.002");
    }
  }

  @Test
  void aStreamThatGoesOnBeyondItsReservationIsCutAndSaysSo() throws Exception {
    String yaml = config("", "", "budgets: [{for: key, tokens: 10000, window: 1d}]");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      String endless = "{\"model\":\"m\",\"prompt\":\"hi\",\"options\":{\"num_predict\":5}}";
      HttpResponse<String> answer = gateway.post("/api/generate", endless, AUTH);
      List<String> lines = answer.body().lines().toList();
      assertThat(JSON.readTree(lines.get(lines.size() - 1)).path("error").asText())
          .contains("cut off");
      assertThat(lines).hasSizeGreaterThan(5);
      gateway.stop();
      JsonNode line = JSON.readTree(gateway.auditLines().get(0));
      assertThat(line.get("outcome").asText()).isEqualTo("truncated");
      assertThat(line.get("tokensEstimated").asBoolean()).isTrue();
      JsonNode spent = usage(gateway, folder);
      assertThat(spent.get(0).get("estimatedCalls").asInt()).isEqualTo(1);
    }
  }

  @Test
  void lessonABudgetThatMatchesNothingIsAnErrorAtStart() {
    for (String rule :
        List.of("for: model, name: gpt*, usd: 1", "for: key, name: nobody, usd: 1")) {
      assertThatThrownBy(
              () ->
                  RunningGateway.start(folder, config("", "", "budgets: [{" + rule + "}]")).close())
          .isInstanceOf(Main.UserError.class)
          .hasMessageContaining("llmguard.budgets");
    }
  }
}
