package io.llmguard.examples.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Rate limits of models that calls fall back to. */
@Timeout(120)
class FallbackLimitTest {
  private static final String[] AUTH = {"X-Api-Key", "sk-0123456789abcdef0123456789abcdef"};

  @TempDir private Path folder = Path.of("");

  FallbackLimitTest() {}

  private static String config(String server, String fallbacks) {
    return """
        model_list:
          - model_name: first
            litellm_params: {model: ollama/broken, api_base: "SERVER"}
          - model_name: second
            litellm_params: {model: ollama/small, api_base: "SERVER"}
          - model_name: third
            litellm_params: {model: ollama/large, api_base: "SERVER"}
        general_settings: {master_key: sk-0123456789abcdef0123456789abcdef}
        router_settings:
          num_retries: 0
          fallbacks: [{first: FALLBACKS}]
        llmguard:
          listen: 127.0.0.1:0
          data_dir: ${DATA}
          routing: {probes: off}
          rate_limits:
            per_key: {requests: 99999, per: 1s, burst: 99999}
            per_ip: {requests: 99999, per: 1s, burst: 99999}
            per_model: {second: {requests: 1, per: 1h}}
        """
        .replace("SERVER", server)
        .replace("FALLBACKS", fallbacks);
  }

  private static HttpResponse<String> call(RunningGateway gateway, String model) throws Exception {
    return gateway.post(
        "/api/chat",
        "{\"model\":\""
            + model
            + "\",\"stream\":false,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
        AUTH);
  }

  private static List<String> asked(PricedModel server) {
    return server.received().stream().map(call -> call.path("model").asText()).toList();
  }

  @Test
  void aFallbackThatIsUsedUpIsPassedOverForTheNextOne() throws Exception {
    try (PricedModel server = new PricedModel();
        RunningGateway gateway =
            RunningGateway.start(folder, config(server.url(), "[second, third]"))) {
      assertThat(call(gateway, "first").statusCode()).isEqualTo(200);
      assertThat(call(gateway, "first").statusCode()).isEqualTo(200);
      assertThat(asked(server)).containsExactly("broken", "small", "broken", "large");
      assertThat(call(gateway, "second").statusCode())
          .as("the call that fell back to it was counted")
          .isEqualTo(429);
    }
  }

  @Test
  void whereNoFallbackIsLeftTheFailureStands() throws Exception {
    try (PricedModel server = new PricedModel();
        RunningGateway gateway = RunningGateway.start(folder, config(server.url(), "[second]"))) {
      assertThat(call(gateway, "second").statusCode()).isEqualTo(200);
      HttpResponse<String> answer = call(gateway, "first");
      assertThat(answer.statusCode()).isEqualTo(500);
      assertThat(answer.body()).isEqualTo("{\"error\":\"broken\"}");
      assertThat(answer.headers().allValues("RateLimit"))
          .noneMatch(field -> field.contains("per-model"));
      assertThat(asked(server)).containsExactly("small", "broken");
    }
  }
}
