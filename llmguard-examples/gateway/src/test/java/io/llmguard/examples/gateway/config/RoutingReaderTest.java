package io.llmguard.examples.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.examples.gateway.config.GatewayConfig.DeploymentLimits;
import io.llmguard.examples.gateway.config.GatewayConfig.UpstreamServer;
import io.llmguard.examples.gateway.config.RoutingConfig.Strategy;
import io.llmguard.upstream.routing.AffinityKey;
import io.llmguard.wire.Parameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RoutingReaderTest {
  @TempDir private Path folder = Path.of("");

  RoutingReaderTest() {}

  private GatewayConfig read(String yaml) throws IOException {
    Path file = folder.resolve("litellm_config.yaml");
    Files.writeString(file, yaml);
    return ConfigReader.read(file, Map.of("GPU_KEY", "sk-upstream")::get);
  }

  @Test
  void theGuidesRoutingIsTaken() throws IOException {
    GatewayConfig config =
        read(
            """
            model_list:
              - model_name: "moltbot-llm"
                litellm_params:
                  model: "ollama/mistral"
                  api_base: "http://127.0.0.1:11434"
            router_settings:
              routing_strategy: "usage-based-routing"
              num_retries: 3
            """);
    assertThat(config.warnings()).isEmpty();
    assertThat(config.routing().strategy()).isEqualTo(Strategy.USAGE_BASED_ROUTING);
    assertThat(config.routing().retries()).isEqualTo(3);
    assertThat(config.models().get(0).limits()).isEqualTo(DeploymentLimits.NONE);
  }

  @Test
  void deploymentsOfOneNameHaveTheirOwnServersAndShares() throws IOException {
    GatewayConfig config =
        read(
            """
            model_list:
              - model_name: fast
                litellm_params:
                  model: ollama/llama3
                  api_base: http://gpu1:11434
                  rpm: 60
                  tpm: 100000
                  weight: 2.5
                  order: 2
                  max_parallel_requests: 4
                  timeout: 600
                  stream_timeout: 20.5
                model_info: {id: gpu-one, max_input_tokens: 8192}
              - model_name: fast
                litellm_params:
                  model: openai/llama3
                  api_base: https://gpu2:8000/v1
                  api_key: os.environ/GPU_KEY
                  extra_headers: {X-Team: blue}
              - model_name: ollama/*
                litellm_params: {model: ollama/*}
            router_settings:
              enable_pre_call_checks: true
              timeout: 60
            """);
    assertThat(config.warnings()).isEmpty();
    assertThat(config.models()).hasSize(3);
    assertThat(config.models().get(0).limits())
        .isEqualTo(new DeploymentLimits("gpu-one", 2.5, 60L, 100_000L, 2, 4, 8_192L));
    UpstreamServer first = config.models().get(0).server();
    assertThat(first.options().firstByte()).isEqualTo(Duration.ofMinutes(10));
    assertThat(first.options().streamFirstByte()).isEqualTo(Duration.ofMillis(20_500));
    UpstreamServer second = config.models().get(1).server();
    assertThat(second.baseUrl()).isEqualTo("https://gpu2:8000");
    assertThat(second.ollama()).isFalse();
    assertThat(second.options().firstByte()).isEqualTo(Duration.ofMinutes(1));
    assertThat(second.options().headers()).containsKey("X-Team");
    assertThat(second.toString()).doesNotContain("sk-upstream").doesNotContain("blue");
    assertThat(config.models().get(2).upstreamModel()).isEqualTo("*");
  }

  @Test
  void whatStandsInASecondPlaceHoldsWhereTheFirstSaysNothing() throws IOException {
    GatewayConfig config =
        read(
            """
            model_list:
              - model_name: a
                litellm_params: {model: ollama/a, rpm: 5, max_parallel_requests: 1}
                model_info: {rpm: 7, tpm: 1000}
              - model_name: b
                litellm_params: {model: ollama/b}
            router_settings: {default_max_parallel_requests: 3}
            """);
    assertThat(config.warnings()).isEmpty();
    assertThat(config.models().get(0).limits())
        .isEqualTo(new DeploymentLimits(null, null, 5L, 1_000L, 1, 1, null));
    assertThat(config.models().get(1).limits())
        .isEqualTo(new DeploymentLimits(null, null, null, null, 1, 3, null));
  }

  @ParameterizedTest
  @CsvSource({
    "prompt_caching, PT10M",
    "session_affinity, PT10M",
    "enforce_model_rate_limits,",
    "responses_api_deployment_check,"
  })
  void aCheckKeepsAConversationAtItsServerOnlyWhereItSaysSo(String check, Duration kept)
      throws IOException {
    assertThat(
            read("router_settings: {optional_pre_call_checks: [" + check + "]}\n")
                .routing()
                .affinity())
        .isEqualTo(kept);
  }

  @Test
  void everySettingOfTheRouterIsRead() throws IOException {
    RoutingConfig routing =
        read("""
                litellm_settings:
                  num_retries: 7
                  fallbacks: [{a: [b]}]
                router_settings:
                  routing_strategy: latency-based-routing
                  routing_strategy_args: {lowest_latency_buffer: 0.5}
                  retry_after: 1
                  allowed_fails: 1
                  cooldown_time: 0.5
                  default_fallbacks: [c]
                  model_group_alias: {gpt-4: a, gpt-3: {model: b, hidden: true}}
                  optional_pre_call_checks: [prompt_caching]
                llmguard:
                  routing:
                    retry_within: 2s
                    refuse_while_cooling: true
                    probes: off
                    prefer_loaded: false
                    litellm_headers: true
                    affinity_by: prefix
                    queue: {size: 10, wait: 5s, half_life: 2m, priorities: {ops: 10, batch: -5}}
                """)
            .routing();
    assertThat(routing)
        .isEqualTo(
            new RoutingConfig(
                Strategy.LATENCY_BASED_ROUTING,
                0.5,
                7,
                Duration.ofSeconds(1),
                Duration.ofSeconds(2),
                1,
                Duration.ofMillis(500),
                true,
                Map.of("a", List.of("b")),
                List.of("c"),
                Map.of("gpt-4", "a", "gpt-3", "b"),
                10,
                Duration.ofSeconds(5),
                Map.of("ops", 10, "batch", -5),
                Duration.ofMinutes(2),
                Duration.ofMinutes(10),
                AffinityKey.PREFIX,
                null,
                false,
                Parameters.NONE,
                true));
  }

  @Test
  void whatIsSaidAboutAServerHoldsForAllItsModels() throws IOException {
    for (String name : List.of("ca.pem", "client.pem", "client.key")) {
      Files.createFile(folder.resolve(name));
    }
    GatewayConfig config =
        read(
            """
            model_list:
              - model_name: a
                litellm_params: {model: ollama/a, api_base: "https://gpu1:11434"}
              - model_name: b
                litellm_params: {model: openai/b, api_base: "https://gpu1:11434/v1"}
            llmguard:
              upstreams:
                - api_base: https://gpu1:11434/
                  name: gpu1
                  ca: ca.pem
                  certificate: client.pem
                  key: client.key
                  cancel_on_disconnect: false
            """);
    for (GatewayConfig.Deployment model : config.models()) {
      assertThat(model.server().name()).isEqualTo("gpu1");
      assertThat(model.server().options().cancel()).isFalse();
      assertThat(model.server().options().tls())
          .isEqualTo(
              new GatewayConfig.UpstreamTls(
                  folder.resolve("ca.pem"),
                  folder.resolve("client.pem"),
                  folder.resolve("client.key"),
                  null));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "router_settings: {routing_strategy: cost-based-routing}|routing_strategy",
        "router_settings: {num_retries: -1}|num_retries",
        "router_settings: {fallbacks: [{'*': [a]}]}|default_fallbacks",
        "llmguard: {routing: {queues: {size: 1}}}|queues",
        "llmguard: {routing: {queue: {size: 1, wait: 0s}}}|wait",
        "llmguard: {routing: {queue: {half_life: 0s}}}|half_life",
        "llmguard: {routing: {affinity_by: address}}|affinity_by",
        "llmguard: {parameters: {lock: {model: x}}}|parameters.lock.model",
        "llmguard: {parameters: {lock: {temperature: hot}}}|takes a number",
        "llmguard: {parameters: {refuse: [model]}}|parameters.refuse",
        "llmguard: {parameters: {locks: {}}}|locks",
        "llmguard: {parameters: {models: {nobody: {refuse: [seed]}}}}|for no model_name",
        "llmguard: {upstreams: [{api_base: 'http://a', certificate: x}]}|go together",
        "model_list: [{model_name: a, litellm_params: {model: ollama/*}}]|model_name",
        "model_list: [{model_name: a, litellm_params: {model: ollama/a, ssl_verify: false}}]|ssl_verify",
        "model_list: [{model_name: a, litellm_params: {model: ollama/a, rpm: 0}}]|rpm",
        "model_list: [{model_name: a, litellm_params: {model: openai/a}}]|api_base"
      })
  void whatCannotBeDoneIsAClearError(String yaml, String part) {
    assertThatThrownBy(() -> read(yaml))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(part)
        .hasMessageContaining(".yaml:1");
  }

  @Test
  void parametersAreDecidedForAllModelsForOneAndForADeployment() throws IOException {
    GatewayConfig config =
        read(
            """
            model_list:
              - model_name: a
                litellm_params: {model: ollama/a, temperature: 0.5, seed: 1, stop: [x, y]}
              - model_name: b
                litellm_params: {model: ollama/b}
            router_settings:
              default_litellm_params: {top_p: 0.9, top_k: 40}
            llmguard:
              parameters:
                lock: {temperature: 0.2}
                default: {top_k: 20}
                refuse: [logit_bias]
                models:
                  a: {lock: {seed: 7}}
            """);
    assertThat(config.warnings()).isEmpty();
    assertThat(config.routing().parameters())
        .isEqualTo(
            Parameters.builder()
                .lock("temperature", 0.2)
                .byDefault("top_k", 20)
                .byDefault("top_p", 0.9)
                .refuse("logit_bias")
                .build());
    assertThat(config.models().get(0).parameters())
        .isEqualTo(
            Parameters.builder()
                .lock("seed", 7)
                .byDefault("seed", 1)
                .byDefault("temperature", 0.5)
                .byDefault("stop", List.of("x", "y"))
                .build());
    assertThat(config.models().get(1).parameters()).isEqualTo(Parameters.NONE);
  }

  @Test
  void whatIsNoParameterInDefaultsOfLiteLlmIsSaidToHaveNoEffect() throws IOException {
    GatewayConfig config =
        read(
            """
            model_list:
              - model_name: a
                litellm_params: {model: ollama/a}
            router_settings:
              default_litellm_params: {top_p: 0.9, max_tokens: 5}
            """);
    assertThat(config.warnings()).hasSize(1).first().asString().contains("max_tokens");
  }
}
