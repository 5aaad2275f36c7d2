package io.llmguard.examples.gateway.server;

import static io.llmguard.examples.gateway.server.RunningGateway.CHAT;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a call at the gateway to what a receiver hears of it. */
class CallbacksTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void aCallIsReportedWithItsTokensAndWithoutItsPromptAndCallsWithoutAKeyAreNot() throws Exception {
    BlockingQueue<String> sent = new LinkedBlockingQueue<>();
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
    String webhook =
        "callbacks: {webhook: {url: \"http://127.0.0.1:"
            + receiver.getAddress().getPort()
            + "/\", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}}\n";
    try (RunningGateway gateway = RunningGateway.start(folder, RunningGateway.settings(webhook))) {
      String key = gateway.firstKey();
      gateway.post("/api/chat", CHAT);
      gateway.post("/api/chat", CHAT, "X-Api-Key", key);
      gateway.get("/api/tags", "X-Api-Key", key);
      gateway.stop();
      String body = sent.poll(20, TimeUnit.SECONDS);
      assertThat(body).isNotNull().doesNotContain("Tell me a fact").doesNotContain(key);
      JsonNode calls = new ObjectMapper().readTree(body).at("/data/calls");
      assertThat(calls).hasSize(1);
      assertThat(calls.get(0).get("model").asText()).isEqualTo("gemma3:270m");
      assertThat(calls.get(0).get("inputTokens").asInt()).isEqualTo(26);
      assertThat(calls.get(0).get("outputTokens").asInt()).isEqualTo(60);
      assertThat(calls.get(0).get("outcome").asText()).isEqualTo("completed");
      assertThat(sent).isEmpty();
    } finally {
      receiver.stop(0);
    }
  }

  @Test
  void langfusesOpenTelemetryEndpointHasTheCall() throws Exception {
    BlockingQueue<String> sent = new LinkedBlockingQueue<>();
    HttpServer langfuse =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    langfuse.createContext(
        "/api/public/otel/v1/traces",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          boolean known =
              "Basic cGstbGYtMTpzay1sZi0y"
                  .equals(exchange.getRequestHeaders().getFirst("Authorization"));
          if (known) {
            sent.add(new String(body, StandardCharsets.UTF_8));
          }
          exchange.sendResponseHeaders(known ? 200 : 401, -1);
          exchange.close();
        });
    langfuse.start();
    Map<String, String> environment =
        Map.of(
            "LANGFUSE_PUBLIC_KEY",
            "pk-lf-1",
            "LANGFUSE_SECRET_KEY",
            "sk-lf-2",
            "LANGFUSE_OTEL_HOST",
            "http://127.0.0.1:" + langfuse.getAddress().getPort());
    String yaml =
        "litellm_settings: {success_callback: [langfuse_otel]}\n" + RunningGateway.settings("");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml, environment)) {
      gateway.post("/api/chat", CHAT, "X-Api-Key", gateway.firstKey());
      gateway.stop();
      String body = sent.poll(20, TimeUnit.SECONDS);
      assertThat(body).isNotNull().doesNotContain("Tell me a fact");
      JsonNode spans = new ObjectMapper().readTree(body).at("/resourceSpans/0/scopeSpans/0/spans");
      assertThat(spans).hasSize(1);
      JsonNode line = new ObjectMapper().readTree(gateway.auditLines().get(0));
      String id = line.get("id").asText();
      assertThat(spans.get(0).get("traceId").asText()).isEqualTo(id);
      assertThat(spans.get(0).get("spanId").asText()).isEqualTo(id.substring(16));
      assertThat(spans.get(0).toString())
          .contains("{\\\"input\\\":26,\\\"output\\\":60,\\\"total\\\":86}", "gemma3:270m");
    } finally {
      langfuse.stop(0);
    }
  }
}
