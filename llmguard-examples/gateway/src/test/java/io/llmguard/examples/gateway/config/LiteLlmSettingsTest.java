package io.llmguard.examples.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.examples.gateway.config.LiteLlmSettings.Row;
import io.llmguard.examples.gateway.config.LiteLlmSettings.Treatment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The table of LiteLLM's settings, the reader and the document say the same. */
class LiteLlmSettingsTest {
  private static final String PARAMS = "model_list[].litellm_params";

  /** Values for settings that do not take a bare number. */
  private static final Map<String, String> SAMPLES =
      Map.ofEntries(
          Map.entry("success_callback", "[prometheus]"),
          Map.entry("failure_callback", "[prometheus]"),
          Map.entry("callbacks", "[prometheus]"),
          Map.entry("turn_off_message_logging", "true"),
          Map.entry("routing_strategy", "least-busy"),
          Map.entry("routing_strategy_args", "{lowest_latency_buffer: 1}"),
          Map.entry("fallbacks", "[{a: [b]}]"),
          Map.entry("default_fallbacks", "[b]"),
          Map.entry("model_group_alias", "{b: a}"),
          Map.entry("enable_pre_call_checks", "true"),
          Map.entry("optional_pre_call_checks", "[prompt_caching]"),
          Map.entry("headers", "{X-A: b}"),
          Map.entry("extra_headers", "{X-A: b}"),
          Map.entry("ssl_verify", "true"),
          Map.entry("redact_user_api_key_info", "true"),
          Map.entry("master_key", "sk-0123456789abcdef0123456789abcdef"),
          Map.entry("budget_duration", "1mo"),
          Map.entry("timezone", "Europe/Berlin"),
          Map.entry("model", "ollama/mistral"),
          Map.entry("api_base", "http://127.0.0.1:11434"),
          Map.entry("general_settings", "{}"),
          Map.entry("litellm_settings", "{}"),
          Map.entry("router_settings", "{}"),
          Map.entry(
              "model_list",
              "[{model_name: a, litellm_params: {model: ollama/a, api_base: \"http://a\"}}]"));

  @TempDir private Path folder;

  private GatewayConfig read(String yaml) throws IOException {
    Path file = folder.resolve("config.yaml");
    Files.writeString(file, yaml);
    return ConfigReader.read(file, name -> null);
  }

  static Stream<Row> rows() {
    return LiteLlmSettings.load().rows().stream();
  }

  private static String yaml(Row row) {
    String setting = row.name() + ": " + SAMPLES.getOrDefault(row.name(), "1");
    if (row.section().equals("(top level)")) {
      return setting + "\n";
    }
    if (!row.section().equals(PARAMS)) {
      return row.section() + ":\n  " + setting + "\n";
    }
    StringBuilder params = new StringBuilder();
    for (String name : List.of("model", "api_base")) {
      if (!name.equals(row.name())) {
        params.append("      ").append(name).append(": ").append(SAMPLES.get(name)).append('\n');
      }
    }
    return "model_list:\n  - model_name: a\n    litellm_params:\n      " + setting + "\n" + params;
  }

  @ParameterizedTest
  @MethodSource("rows")
  void eachSettingIsTreatedAsTheTableSays(Row row) throws IOException {
    String yaml = yaml(row);
    if (row.treatment() == Treatment.REFUSED) {
      assertThatThrownBy(() -> read(yaml))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining(row.name())
          .hasMessageContaining(row.note());
      return;
    }
    List<String> warnings = read(yaml).warnings();
    if (row.treatment() == Treatment.WARNED) {
      assertThat(warnings)
          .singleElement()
          .asString()
          .contains(row.name())
          .contains("has no effect")
          .contains(row.note());
    } else {
      assertThat(warnings).isEmpty();
    }
  }

  @Test
  void aSettingThatSaysNothingAndOneThatNobodyKnows() throws IOException {
    assertThat(
            read("general_settings: {allowed_ips: [], enable_jwt_auth: false, custom_auth: }\n")
                .warnings())
        .isEmpty();
    assertThat(read("litellm_settings:\n  not_yet_invented: 1\n").warnings())
        .singleElement()
        .asString()
        .contains(":2: litellm_settings.not_yet_invented is not known");
  }

  @Test
  void noSettingStandsTwice() {
    assertThat(rows().map(row -> row.section() + "." + row.name()).toList())
        .doesNotHaveDuplicates();
  }

  @Test
  void theDocumentHasTheTable() throws IOException {
    List<String> expected = new ArrayList<>();
    String section = "";
    for (Row row : rows().toList()) {
      if (!row.section().equals(section)) {
        section = row.section();
        expected.add("## " + section);
      }
      expected.add(
          "| `"
              + row.name()
              + "` | "
              + row.treatment().name().toLowerCase(Locale.ROOT)
              + " | "
              + row.note()
              + " |");
    }
    assertThat(
            Files.readAllLines(Path.of("../../docs/litellm-settings.md")).stream()
                .filter(line -> line.startsWith("## ") || line.startsWith("| `"))
                .toList())
        .isEqualTo(expected);
  }
}
