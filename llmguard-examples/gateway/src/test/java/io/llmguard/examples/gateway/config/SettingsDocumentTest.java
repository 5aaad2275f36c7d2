package io.llmguard.examples.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;

/** The document of the settings has those that the reader knows, and no others. */
class SettingsDocumentTest {
  /** Every group of settings, with what each needs. */
  private static final String GROUPS =
      """
      admin_listen: 127.0.0.1:1
      audit: {content: false}
      budgets: [{for: global, usd: 1}]
      callbacks: {webhook: {url: "https://a", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}}
      ceilings: {choices: 1}
      client_certificates: {rules: [{caller: a, san: a}]}
      concurrency: {total: 1}
      content_guards:
        personal_data: {prompts: refuse}
        secrets: {prompts: refuse}
        size: {messages: 1}
      database: {url: "jdbc:sqlite:a"}
      jwt: [{issuer: a, audience: a, jwks_url: "https://a"}]
      limits: {body: 1m}
      parameters: {models: {NAME: {refuse: [a]}}}
      rate_limits:
        per_key: {requests: 1, per: 1m}
        per_ip: {requests: 1, per: 1m}
        per_model: {NAME: {requests: 1, per: 1m}}
        tokens: {tokens: 1, per: 1m}
      routing: {queue: {priorities: {NAME: 1}}}
      spend: {user: subject}
      tls: {certificate: a, key: a}
      upstreams: [{api_base: "https://a", headers: {NAME: a}}]
      """;

  /** What settings for single models are for. */
  private static final Map<String, Object> MODEL =
      Map.of(
          "model_name",
          "NAME",
          "litellm_params",
          Map.of("model", "ollama/a", "api_base", "https://a"));

  private static final String UNKNOWN = "not_a_setting";
  private static final Pattern KNOWN = Pattern.compile("known here: (.*)");
  private static final Pattern ROW = Pattern.compile("\\| `([^`]+)` \\|");

  @TempDir private Path folder = Path.of("");

  SettingsDocumentTest() {}

  @Test
  void theDocumentHasEverySettingAndNoOther() throws IOException {
    Files.createFile(folder.resolve("a"));
    SortedSet<String> known = new TreeSet<>();
    Map<String, Object> all = new Yaml().load(GROUPS);
    collect(all, all, "", known);
    String document = Files.readString(Path.of("../../docs/gateway.md"));
    List<String> rows =
        document
            .substring(document.indexOf("\n## Settings"))
            .lines()
            .map(ROW::matcher)
            .filter(Matcher::lookingAt)
            .map(row -> row.group(1))
            .toList();
    assertThat(rows).doesNotHaveDuplicates().isSorted();
    assertThat(new TreeSet<>(rows)).isEqualTo(known);
  }

  /** Puts an unknown setting into a group, and into each below it: the error says what is known. */
  private void collect(
      Map<String, Object> all, Map<String, Object> group, String path, SortedSet<String> known)
      throws IOException {
    Map<String, Object> before = new LinkedHashMap<>(group);
    group.put(UNKNOWN, 1);
    ConfigException refused = catchThrowableOfType(ConfigException.class, () -> read(all));
    group.remove(UNKNOWN);
    Matcher names = KNOWN.matcher(refused == null ? "" : String.valueOf(refused.getMessage()));
    if (names.find()) {
      for (String name : names.group(1).split(", ", -1)) {
        known.add(path + name);
      }
    } else {
      // any name may stand here
      assertThat(before).containsOnlyKeys("NAME");
      known.add(path + "NAME");
    }
    for (Map.Entry<String, Object> each : before.entrySet()) {
      if (each.getValue() instanceof Map<?, ?> below) {
        collect(all, cast(below), path + each.getKey() + ".", known);
      } else if (each.getValue() instanceof List<?> list && list.get(0) instanceof Map<?, ?> item) {
        collect(all, cast(item), path + each.getKey() + "[].", known);
      }
    }
  }

  @SuppressWarnings("unchecked") // what YAML reads as a group has names for keys
  private static Map<String, Object> cast(Map<?, ?> group) {
    return (Map<String, Object>) group;
  }

  private void read(Map<String, Object> settings) throws IOException {
    String text =
        new Yaml()
            .dump(Map.of("llmguard", settings, "model_list", List.of(MODEL)))
            .lines()
            .collect(Collectors.joining("\n"));
    Path file = folder.resolve("config.yaml");
    Files.writeString(file, text);
    ConfigReader.read(file, name -> null);
  }
}
