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
  /** So that callbacks are not off. */
  private static final Map<String, String> CALLBACKS =
      Map.of(
          "LANGFUSE_PUBLIC_KEY", "pk-lf-1",
          "LANGFUSE_SECRET_KEY", "sk-lf-2",
          "LANGFUSE_HOST", "http://127.0.0.1:3000",
          "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

  /** Values for settings that do not take a bare number. */
  private static final Map<String, String> SAMPLES =
      Map.ofEntries(
          Map.entry("success_callback", "[prometheus]"),
          Map.entry("failure_callback", "[prometheus]"),
          Map.entry("callbacks", "[prometheus]"),
          Map.entry("turn_off_message_logging", "true"),
          Map.entry("cache_read_input_token_cost", "0"),
          Map.entry("routing_strategy", "least-busy"),
          Map.entry("routing_strategy_args", "{lowest_latency_buffer: 1}"),
          Map.entry("fallbacks", "[{a: [b]}]"),
          Map.entry("default_fallbacks", "[b]"),
          Map.entry("default_litellm_params", "{temperature: 1}"),
          Map.entry("stop", "[END]"),
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
          Map.entry("model_name", "a"),
          Map.entry("litellm_params", "{model: ollama/a}"),
          Map.entry("model_info", "{id: a}"),
          Map.entry("api_base", "http://127.0.0.1:11434"),
          Map.entry("general_settings", "{}"),
          Map.entry("litellm_settings", "{}"),
          Map.entry("router_settings", "{}"),
          Map.entry(
              "model_list",
              "[{model_name: a, litellm_params: {model: ollama/a, api_base: \"http://a\"}}]"));

  @TempDir private Path folder;

  private GatewayConfig read(String yaml) throws IOException {
    return read(yaml, Map.of());
  }

  private GatewayConfig read(String yaml, Map<String, String> environment) throws IOException {
    Path file = folder.resolve("config.yaml");
    Files.writeString(file, yaml);
    return ConfigReader.read(file, environment::get);
  }

  static Stream<Row> rows() {
    return LiteLlmSettings.load().rows().stream();
  }

  private static String yaml(Row row) {
    String name = row.name();
    String setting = name + ": " + SAMPLES.getOrDefault(name, "1");
    String model = "model: ollama/a";
    return switch (row.section()) {
      case "(top level)" -> setting + "\n";
      case "model_list[].litellm_params" ->
          deployment(
              "litellm_params: {" + setting + (name.equals("model") ? "" : ", " + model) + "}");
      case "model_list[].model_info" ->
          deployment("litellm_params: {" + model + "}, model_info: {" + setting + "}");
      case "model_list[]" ->
          deployment(
              switch (name) {
                case "litellm_params" -> setting;
                case "model_name" -> "litellm_params: {" + model + "}";
                default -> "litellm_params: {" + model + "}, " + setting;
              });
      case "router_settings.routing_strategy_args" ->
          "router_settings: {routing_strategy_args: {" + setting + "}}\n";
      case "router_settings.model_group_alias[]" ->
          "router_settings: {model_group_alias: {b: {model: a, hidden: true}}}\n";
      case "router_settings.optional_pre_call_checks" ->
          "router_settings: {optional_pre_call_checks: [" + name + "]}\n";
      case "callbacks" -> "litellm_settings: {callbacks: [" + name + "]}\n";
      case "environment" -> "litellm_settings: {}\n";
      default -> row.section() + ":\n  " + setting + "\n";
    };
  }

  private static String deployment(String rest) {
    return "model_list: [{model_name: a, " + rest + "}]\n";
  }

  private static Map<String, String> environment(Row row) {
    return row.section().equals("environment") ? Map.of(row.name(), "on") : CALLBACKS;
  }

  @ParameterizedTest
  @MethodSource("rows")
  void eachSettingIsTreatedAsTheTableSays(Row row) throws IOException {
    String yaml = yaml(row);
    Map<String, String> environment = environment(row);
    if (row.treatment() == Treatment.REFUSED) {
      assertThatThrownBy(() -> read(yaml, environment))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining(row.name())
          .hasMessageContaining(row.note());
      return;
    }
    List<String> warnings = read(yaml, environment).warnings();
    if (row.treatment() == Treatment.WARNED) {
      assertThat(warnings)
          .singleElement()
          .asString()
          .contains(row.name())
          .contains("no effect")
          .contains(row.section().equals("environment") ? "docs/litellm-settings.md" : row.note());
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
  void whatNobodyKnowsIsNamedWhereverItStands() throws IOException {
    for (String yaml :
        List.of(
            deployment("litellm_params: {model: ollama/a, not_yet: 1}"),
            deployment("litellm_params: {model: ollama/a}, model_info: {not_yet: 1}"),
            deployment("litellm_params: {model: ollama/a}, not_yet: 1"),
            "router_settings: {routing_strategy_args: {not_yet: 1}}\n",
            "router_settings: {model_group_alias: {b: {model: a, not_yet: 1}}}\n",
            "router_settings: {optional_pre_call_checks: [prompt_caching, not_yet]}\n",
            "litellm_settings: {callbacks: [not_yet]}\n")) {
      assertThat(read(yaml).warnings()).as(yaml).singleElement().asString().contains("not_yet");
    }
    assertThat(
            read("router_settings: {model_group_alias: {b: {model: a, hidden: false}}}\n")
                .warnings())
        .singleElement()
        .asString()
        .contains("model_group_alias.b.hidden has no effect");
  }

  @Test
  void variablesAreNamedTogetherUnlessTheFileReadsThem() throws IOException {
    Map<String, String> environment =
        Map.of(
            "OPENAI_API_KEY", "sk-planted",
            "REDIS_HOST", "planted",
            "LITELLM_LOG", "",
            "SET_VERBOSE", "False",
            "LITELLM_MASTER_KEY", "0123456789abcdef0123456789abcdef");
    assertThat(
            read("general_settings: {master_key: \"${LITELLM_MASTER_KEY}\"}\n", environment)
                .warnings())
        .singleElement()
        .asString()
        .contains("OPENAI_API_KEY", "REDIS_HOST")
        .doesNotContain("LITELLM_", "SET_VERBOSE", "planted");
    assertThat(read("general_settings: {}\n", environment).warnings())
        .singleElement()
        .asString()
        .contains("LITELLM_MASTER_KEY");
    // not LiteLLM's file: its variables are for somebody else
    assertThat(read("llmguard: {listen: \"127.0.0.1:0\"}\n", environment).warnings()).isEmpty();
  }

  /** The resource says of which version. */
  @Test
  void everySettingOfLiteLlmsReferenceIsInTheTable() throws IOException {
    LiteLlmSettings table = LiteLlmSettings.load();
    List<String> missing = new ArrayList<>();
    int names = 0;
    String section = "";
    for (String line :
        Files.readAllLines(Path.of("src/test/resources/litellm-config-settings.txt"))) {
      if (line.startsWith("[")) {
        section = line.substring(1, line.length() - 1);
      } else if (!line.isEmpty() && !line.startsWith("#")) {
        for (String name : line.split(" ", -1)) {
          names++;
          if (table.find(section, name) == null) {
            missing.add(section + "." + name);
          }
        }
      }
    }
    assertThat(missing).isEmpty();
    assertThat(names).isGreaterThan(800);
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
    List<Row> rows = rows().toList();
    for (int i = 0; i < rows.size(); i++) {
      Row row = rows.get(i);
      if (!row.section().equals(section)) {
        section = row.section();
        expected.add("## " + section);
      }
      // the many variables of the environment stand together where they share a reason
      StringBuilder names = new StringBuilder("`" + row.name() + "`");
      while (section.equals("environment")
          && i + 1 < rows.size()
          && rows.get(i + 1).note().equals(row.note())) {
        names.append(", `").append(rows.get(++i).name()).append('`');
      }
      expected.add(
          "| "
              + names
              + " | "
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
