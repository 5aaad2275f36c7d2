package io.llmguard.examples.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import java.math.BigDecimal;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys' budgets as the admin API makes them, up to who hears of them. */
class BudgetAlertTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String MASTER = "sk-0123456789abcdef0123456789abcdef";
  private static final String CALL =
      "{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
          + "\"options\":{\"num_predict\":100}}";

  @TempDir private Path folder = Path.of("");
  private final BlockingQueue<String> sent = new LinkedBlockingQueue<>();

  private HttpServer receiver() throws Exception {
    HttpServer receiver =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    receiver.createContext(
        "/",
        exchange -> {
          sent.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
          exchange.sendResponseHeaders(204, -1);
          exchange.close();
        });
    receiver.start();
    return receiver;
  }

  private static String config(PricedModel model, HttpServer receiver) {
    return """
        model_list:
          - model_name: m
            litellm_params:
              {model: ollama/m, api_base: "%s", input_cost_per_token: 0, output_cost_per_token: 0.001}
        general_settings: {master_key: %s}
        llmguard:
          listen: 127.0.0.1:0
          data_dir: ${DATA}
          callbacks:
            webhook:
              url: "http://127.0.0.1:%d/"
              secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
        """
        .formatted(model.url(), MASTER, receiver.getAddress().getPort());
  }

  private JsonNode alert() throws Exception {
    while (true) {
      String body = sent.poll(20, TimeUnit.SECONDS);
      assertThat(body).as("an alert").isNotNull();
      JsonNode message = JSON.readTree(body);
      if (message.path("type").asText().equals("llm.budget-alert")) {
        return message.get("data");
      }
    }
  }

  @Test
  void aKeysSoftBudgetIsHeardByTheWebhookAndTheMetricsAndItsWindowsAllHold() throws Exception {
    HttpServer receiver = receiver();
    try (PricedModel model = new PricedModel();
        RunningGateway gateway = RunningGateway.start(folder, config(model, receiver))) {
      JsonNode made =
          JSON.readTree(
              gateway
                  .post(
                      "/key/generate",
                      "{\"max_budget\":5,\"budget_duration\":\"1mo\",\"soft_budget\":0.15,"
                          + "\"budget_limits\":[{\"budget_duration\":\"1d\",\"max_budget\":0.3},"
                          + "{\"budget_duration\":\"7d\",\"tokens\":100000}]}",
                      "Content-Type",
                      "application/json",
                      "Authorization",
                      "Bearer " + MASTER)
                  .body());
      String[] auth = {"Authorization", "Bearer " + made.get("key").asText()};
      assertThat(gateway.post("/api/chat", CALL, auth).statusCode()).isEqualTo(200);
      assertThat(gateway.post("/api/chat", CALL, auth).statusCode()).isEqualTo(200);
      JsonNode alert = alert();
      assertThat(alert.get("scope").asText()).isEqualTo("key");
      assertThat(alert.get("subject").asText()).isEqualTo(made.get("id").asText());
      assertThat(alert.get("spent").decimalValue()).isEqualByComparingTo(new BigDecimal("0.2"));
      assertThat(alert.get("alertAt").decimalValue()).isEqualByComparingTo("0.15");
      assertThat(gateway.get("/metrics", "Authorization", "Bearer " + MASTER).body())
          .contains("llmguard_budget_alerts_total{scope=\"key\",unit=\"usd\"} 1.0");
      assertThat(gateway.post("/api/chat", CALL, auth).statusCode()).isEqualTo(200);
      assertThat(gateway.post("/api/chat", CALL, auth).statusCode())
          .as("the day's budget is used up, the month's is not")
          .isEqualTo(429);
    } finally {
      receiver.stop(0);
    }
    assertThat(sent).noneMatch(body -> body.contains("sk-"));
  }
}
