package io.llmguard.examples.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Budgets of calls that may be answered by one of several deployments, at several prices. */
class BudgetRoutingTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String KEY = "sk-0123456789abcdef0123456789abcdef";
  private static final String[] AUTH = {"Authorization", "Bearer " + KEY};

  @TempDir private Path folder = Path.of("");
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private PricedModel model;

  @BeforeEach
  void startModel() throws IOException {
    model = new PricedModel();
  }

  @AfterEach
  void stopModel() {
    model.close();
    threads.shutdownNow();
  }

  private String deployment(String name, String upstream, String price) {
    return "  - model_name: \""
        + name
        + "\"\n    litellm_params: {model: \"ollama/"
        + upstream
        + "\", api_base: \""
        + model.url()
        + "\", "
        + price
        + "}\n";
  }

  private static String config(String models, String budget, String routing, String own) {
    return "model_list:\n"
        + models
        + "general_settings: {master_key: "
        + KEY
        + "}\n"
        + "litellm_settings: {"
        + budget
        + "}\nrouter_settings: {num_retries: 1, retry_after: 0, "
        + routing
        + "}\nllmguard:\n  listen: 127.0.0.1:0\n  data_dir: ${DATA}\n"
        + "  rate_limits: {per_key: {requests: 99999, per: 1s, burst: 99999},"
        + " per_ip: {requests: 99999, per: 1s, burst: 99999}}\n"
        + own.indent(2);
  }

  private static String call(String name, int tokens) {
    return "{\"model\":\""
        + name
        + "\",\"stream\":false,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
        + "\"options\":{\"num_predict\":"
        + tokens
        + "}}";
  }

  private static BigDecimal costs(RunningGateway gateway) throws IOException {
    BigDecimal sum = BigDecimal.ZERO;
    for (String line : gateway.auditLines()) {
      JsonNode cost = JSON.readTree(line).path("costUsd");
      sum = cost.isNumber() ? sum.add(cost.decimalValue()) : sum;
    }
    return sum;
  }

  /** So many calls of 10 cents each at once, under a budget of 2 USD. */
  private void neverMoreThanTheBudget(String models, String routing, String name) throws Exception {
    // without retries, or they would use up the retry budget that fallbacks need
    String yaml =
        config(models, "max_budget: 2, budget_duration: 1mo", routing, "")
            .replace("num_retries: 1", "num_retries: 0");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      List<CompletableFuture<HttpResponse<String>>> calls = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        calls.add(
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return gateway.post("/api/chat", call(name, 100), AUTH);
                  } catch (Exception e) {
                    throw new AssertionError(e);
                  }
                },
                threads));
      }
      List<HttpResponse<String>> answers = calls.stream().map(CompletableFuture::join).toList();
      assertThat(answers).filteredOn(answer -> answer.statusCode() == 200).hasSize(20);
      gateway.stop();
      assertThat(costs(gateway)).isEqualByComparingTo("2");
    }
  }

  private static final String PAID = "input_cost_per_token: 0, output_cost_per_token: 0.001";
  private static final String FREE = "input_cost_per_token: 0, output_cost_per_token: 0";

  @Test
  void lessonConcurrentCallsOfAWildcardNeverSpendMoreThanTheBudget() throws Exception {
    neverMoreThanTheBudget(deployment("lab/*", "*", PAID), "", "lab/m");
  }

  @Test
  void lessonConcurrentCallsUnderAFurtherNameNeverSpendMoreThanTheBudget() throws Exception {
    neverMoreThanTheBudget(deployment("big", "m", PAID), "model_group_alias: {fast: big}", "fast");
  }

  @Test
  void lessonConcurrentCallsThatFallBackNeverSpendMoreThanTheBudget() throws Exception {
    neverMoreThanTheBudget(
        deployment("free", "broken", FREE) + deployment("paid", "m", PAID),
        "fallbacks: [{free: [paid]}]",
        "free");
  }

  @Test
  void aCallWhoseFallbackIsNotCoveredIsStillAnsweredByItsOwnModel() throws Exception {
    String models = deployment("free", "m", FREE) + deployment("paid", "m", PAID);
    String yaml = config(models, "max_budget: 0.1", "fallbacks: [{free: [paid]}]", "");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      assertThat(gateway.post("/api/chat", call("paid", 100), AUTH).statusCode()).isEqualTo(200);
      assertThat(gateway.post("/api/chat", call("paid", 100), AUTH).statusCode()).isEqualTo(429);
      assertThat(gateway.post("/api/chat", call("free", 100), AUTH).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void aModelsBudgetHoldsUnderItsFurtherNameAndAsAFallback() throws Exception {
    String models =
        deployment("free", "broken", FREE)
            + deployment("paid", "m", PAID)
            + deployment("lab/*", "*", PAID);
    String yaml =
        config(
            models,
            "",
            "fallbacks: [{free: [paid]}], model_group_alias: {fast: paid}",
            "budgets: [{for: model, name: paid, usd: 0.2, window: 1d}]");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      assertThat(gateway.post("/api/chat", call("fast", 100), AUTH).statusCode()).isEqualTo(200);
      assertThat(gateway.post("/api/chat", call("free", 100), AUTH).statusCode()).isEqualTo(200);
      assertThat(gateway.post("/api/chat", call("fast", 100), AUTH).statusCode()).isEqualTo(429);
      assertThat(gateway.post("/api/chat", call("paid", 100), AUTH).statusCode()).isEqualTo(429);
      assertThat(gateway.post("/api/chat", call("free", 100), AUTH).statusCode()).isEqualTo(500);
      assertThat(gateway.post("/api/chat", call("lab/m", 100), AUTH).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void aModelsRateLimitHoldsUnderItsFurtherName() throws Exception {
    String yaml =
        config(deployment("big", "m", PAID), "", "model_group_alias: {fast: big}", "")
            .replace("rate_limits: {", "rate_limits: {per_model: {big: {requests: 1, per: 1h}}, ");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      assertThat(gateway.post("/api/chat", call("fast", 1), AUTH).statusCode()).isEqualTo(200);
      assertThat(gateway.post("/api/chat", call("fast", 1), AUTH).statusCode()).isEqualTo(429);
      assertThat(gateway.post("/api/chat", call("big", 1), AUTH).statusCode()).isEqualTo(429);
    }
  }

  @Test
  void twoPricesOfOneNameAtOneServerArePaidEachForItself() throws Exception {
    String cheap = FREE + ", order: 1";
    String dear = PAID + ", order: 2";
    String yaml =
        config(
            deployment("m", "cheap", cheap) + deployment("m", "dear", dear),
            "max_budget: 5",
            "",
            "");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      assertThat(gateway.post("/api/chat", call("m", 100), AUTH).statusCode()).isEqualTo(200);
      gateway.stop();
      assertThat(costs(gateway)).isEqualByComparingTo("0");
    }
  }

  @Test
  void lessonConcurrentCallsWhoseCostIsAnExpressionNeverSpendMoreThanTheBudget() throws Exception {
    String cost = "cost: \"0.05 * requests + IF(output_tokens > 50, 0.0005, 0) * output_tokens\"";
    neverMoreThanTheBudget(deployment("m", "m", cost), "", "m");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "input_cost_per_token: 0.001, output_cost_per_token: 0.001",
        "cost: 0.001 * (input_tokens + output_tokens)"
      })
  void aTornAnswerThatARetryHidesIsPaidAndTheRetryGetsWhatIsLeft(String price) throws Exception {
    String yaml = config(deployment("m", "torn", price), "max_budget: 5", "", "");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      assertThat(gateway.post("/api/chat", call("m", 200), AUTH).statusCode()).isEqualTo(200);
      gateway.stop();
      List<JsonNode> sent = model.received();
      assertThat(sent).hasSize(2);
      assertThat(sent.get(0).at("/options/num_predict").asInt()).isEqualTo(200);
      int second = sent.get(1).at("/options/num_predict").asInt();
      assertThat(second).isBetween(1, 199);
      JsonNode line = JSON.readTree(gateway.auditLines().get(0));
      assertThat(line.get("inputTokens").asInt()).isEqualTo(10);
      assertThat(line.get("outputTokens").asInt()).isEqualTo(second);
      int retriedInput = line.get("retriedInputTokens").asInt();
      int retriedOutput = line.get("retriedOutputTokens").asInt();
      assertThat(retriedInput).isPositive();
      assertThat(retriedOutput).isPositive();
      assertThat(retriedInput + retriedOutput).isEqualTo(200 - second);
      // the torn half costs what the second attempt may no longer generate
      BigDecimal lastOnly = new BigDecimal(second + 10).movePointLeft(3);
      assertThat(costs(gateway))
          .isEqualByComparingTo(lastOnly.add(new BigDecimal(200 - second).movePointLeft(3)));
    }
  }

  @Test
  void answersSayWhatTheyCostAndWhatIsLeft() throws Exception {
    String yaml =
        config(
            deployment("m", "m", PAID),
            "max_budget: 5",
            "",
            "routing: {litellm_headers: true}\nbudgets: [{for: key, usd: 1, window: 1d}]");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      HttpHeaders plain = gateway.post("/api/chat", call("m", 100), AUTH).headers();
      assertThat(plain.firstValue("X-Llmguard-Cost-Usd")).hasValue("0.1");
      assertThat(plain.firstValue("x-litellm-response-cost")).hasValue("0.1");
      assertThat(plain.firstValue("X-Llmguard-Budget-Left").orElseThrow())
          .startsWith("0.9; unit=usd; for=key; window=");
      assertThat(plain.firstValue("x-litellm-key-spend")).hasValue("0.1");
      assertThat(plain.firstValue("x-litellm-key-max-budget")).hasValue("1");
    }
  }

  private BigDecimal costOfATimedCall(String upstream) throws Exception {
    // a sixtieth of two minutes is what 5 USD cover, with the second for timers that are late
    String yaml =
        config(
            deployment("m", upstream, "output_cost_per_second: 1"),
            "max_budget: 5",
            "",
            "spend: {upstream_time: 120s}");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      assertThat(gateway.post("/api/chat", call("m", 100), AUTH).statusCode()).isEqualTo(504);
      gateway.stop();
      JsonNode line = JSON.readTree(gateway.auditLines().get(0));
      assertThat(line.get("outcome").asText()).isEqualTo("timeout");
      return line.get("costUsd").decimalValue();
    }
  }

  @Test
  void aCallWhoseTimeIsReservedIsEndedInTime() throws Exception {
    assertThat(costOfATimedCall("mute")).isBetween(new BigDecimal(2), new BigDecimal(3));
    assertThat(model.received()).hasSize(1);
  }

  @Test
  void aFailedAttemptAndTheNextShareTheTimeThatIsReserved() throws Exception {
    // 1.5 s of the first attempt, and the half second that is left
    assertThat(costOfATimedCall("late")).isBetween(new BigDecimal(2), new BigDecimal(3));
    assertThat(model.received()).hasSize(2);
  }
}
