package io.llmguard.examples.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.assembly.GuardSettings;
import io.llmguard.assembly.GuardSettings.Concurrency;
import io.llmguard.limit.RateLimit;
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
import org.junit.jupiter.params.provider.ValueSource;

class ConfigReaderTest {
  @TempDir private Path folder = Path.of("");

  private GatewayConfig read(String yaml, Map<String, String> environment) throws IOException {
    Path file = folder.resolve("litellm_config.yaml");
    Files.writeString(file, yaml);
    return ConfigReader.read(file, environment::get);
  }

  private GatewayConfig read(String yaml) throws IOException {
    return read(yaml, Map.of());
  }

  private void assertRefused(String yaml, String... parts) {
    assertThatThrownBy(() -> read(yaml))
        .isInstanceOf(ConfigException.class)
        .message()
        .contains(parts);
  }

  @Test
  void withoutAFileTheGuidesLimitsHoldOnLoopback() {
    GatewayConfig config = ConfigReader.defaults(name -> null);
    assertThat(config.listen()).isEqualTo(new HostPort("127.0.0.1", 8081));
    assertThat(config.guard().rateLimits().perKey()).isNotNull();
    assertThat(config.guard().rateLimits().perKey().limit())
        .isEqualTo(new RateLimit(10, Duration.ofMinutes(1), 5));
    assertThat(config.guard().rateLimits().perIp()).isNotNull();
    assertThat(config.guard().rateLimits().perIp().limit())
        .isEqualTo(new RateLimit(30, Duration.ofMinutes(1), 10));
    assertThat(config.guard().rateLimits().tokens()).isNull();
    assertThat(config.guard().dataDir()).isEqualTo(Path.of("llmguard-data"));
    assertThat(config.models()).isEmpty();
    assertThat(config.guard().masterKey()).isNull();
  }

  @Test
  void anExpressionOfACostIsReadAtTheStart() throws IOException {
    String model = "model_list:\n  - model_name: a\n    litellm_params:\n      model: ollama/a\n";
    assertRefused(model + "      cost: 2 * tokens\n", ":5:", "litellm_params.cost", "'tokens'");
    assertRefused(model + "    model_info: {cost: 2 *}\n", ":5:", "model_info.cost");
    GatewayConfig config = read(model + "      cost: 2 * output_tokens\n");
    assertThat(config.models().get(0).price().formula()).hasToString("2 * output_tokens");
    assertThat(config.warnings()).isEmpty();
  }

  @Test
  void settingsThatAGroupTakesFromAnotherAreItsOwn() throws IOException {
    GatewayConfig config =
        read(
            """
            model_list:
              - model_name: a
                litellm_params: &gpu
                  model: ollama/a
                  api_base: http://gpu1:11434
                  rpm: 5
              - model_name: b
                litellm_params: {<<: *gpu, model: ollama/b}
            litellm_settings:
              <<: [{max_budget: 5}, {max_budget: 7, budget_duration: 1d}]
            """);
    assertThat(config.warnings()).isEmpty();
    assertThat(config.models().get(1).upstreamModel()).isEqualTo("b");
    assertThat(config.models().get(1).server().baseUrl()).isEqualTo("http://gpu1:11434");
    assertThat(config.models().get(1).limits().rpm()).isEqualTo(5);
    assertThat(config.budgets().maxBudget()).isEqualByComparingTo("5");
    assertRefused("litellm_settings: &a {<<: *a}\n", "litellm_settings", "<<");
    assertRefused("litellm_settings: {<<: 1}\n", "litellm_settings", "<<");
  }

  @Test
  void modelsMasterKeyAndOwnSettingsAreRead() throws IOException {
    GatewayConfig config =
        read(
            """
            model_list:
              - model_name: "moltbot-llm"
                litellm_params:
                  model: "ollama/mistral"
                  api_base: "http://127.0.0.1:11434/"
              - model_name: other
                litellm_params:
                  model: openai/gemma
                  api_base: os.environ/OTHER_BASE
                  api_key: os.environ/OTHER_KEY
            general_settings:
              master_key: "sk-${MASTER}"
            llmguard:
              listen: "[::1]:9000"
              data_dir: /tmp/x
              rate_limits:
                per_key: {requests: 100, per: 1s, burst: 9}
                per_ip: {requests: 5, per: 1h, shadow: true}
                tokens: {tokens: 1000, per: 1m}
              concurrency: {per_key: 4, total: 100, shadow: true}
              ceilings: {output_tokens: 2000, shadow: true}
              allow_networks: [10.0.1.5/32, "fd00::/8"]
              trusted_proxies: 127.0.0.1
              audit: {file: trail.jsonl, durability: fsync}
            """,
            Map.of(
                "MASTER",
                "0123456789abcdef0123456789abcdef",
                "OTHER_BASE",
                "https://llm.internal/base",
                "OTHER_KEY",
                "planted-key"));
    assertThat(config.guard().masterKey()).isNotNull();
    assertThat(config.guard().masterKey().value()).isEqualTo("sk-0123456789abcdef0123456789abcdef");
    assertThat(config.toString()).doesNotContain("0123456789abcdef").doesNotContain("planted-key");
    assertThat(config.models()).hasSize(2);
    assertThat(config.models().get(0).upstreamModel()).isEqualTo("mistral");
    assertThat(config.models().get(0).server().baseUrl()).isEqualTo("http://127.0.0.1:11434");
    assertThat(config.models().get(1).server().ollama()).isFalse();
    assertThat(config.models().get(1).server().name()).isEqualTo("llm.internal");
    assertThat(config.listen()).isEqualTo(new HostPort("::1", 9000));
    assertThat(config.guard().rateLimits().perIp()).isNotNull();
    assertThat(config.guard().rateLimits().perIp().shadow()).isTrue();
    assertThat(config.guard().concurrency()).isEqualTo(new Concurrency(4, 100, true));
    assertThat(config.guard().ceilings().outputTokens()).isEqualTo(2000);
    assertThat(config.guard().ceilings().shadow()).isTrue();
    assertThat(config.guard().rateLimits().tokens()).isNotNull();
    assertThat(config.guard().rateLimits().tokens().limit().capacity()).isEqualTo(1000);
    assertThat(config.guard().trustedProxies()).containsExactly("127.0.0.1");
    assertThat(config.guard().audit().file()).isEqualTo(folder.resolve("trail.jsonl"));
    assertThat(config.guard().audit().durability()).isEqualTo(GuardSettings.AuditDurability.FSYNC);
    assertThat(config.warnings()).isEmpty();
  }

  @Test
  void anUnknownSettingIsRefusedByNameAndLine() {
    assertRefused(
        "llmguard:\n  listen: 127.0.0.1:1\n  rate_limit: {}\n",
        "litellm_config.yaml:3",
        "llmguard.rate_limit",
        "unknown setting",
        "rate_limits");
    assertRefused(
        "llmguard:\n  rate_limits:\n    per_key:\n      requests: 1\n      per: 1m\n      brust: 2\n",
        ":6:",
        "llmguard.rate_limits.per_key.brust");
  }

  @Test
  void wrongContentGuardsAreRefusedByNameAndLine() {
    assertRefused(
        "llmguard:\n  content_guards:\n    secrets: {prompts: refuse, kind: [jwt]}\n",
        ":3:",
        "llmguard.content_guards.secrets.kind",
        "kinds");
    assertRefused(
        """
        llmguard:
          content_guards:
            secrets:
              prompts: mask
        """,
        ":4:",
        "refuse, redact, shadow");
    assertRefused(
        "llmguard:\n  content_guards:\n    personal_data: {prompts: redact, kinds: [mail]}\n",
        ":3:",
        "payment-card");
    assertRefused("llmguard:\n  content_guards:\n    secrets: {kinds: [jwt]}\n", ":3:", "prompts");
    assertRefused("llmguard:\n  content_guards:\n    size: {shadow: true}\n", ":3:", "no limit");
    assertRefused("llmguard:\n  content_guards: {words: {}}\n", ":2:", "content_guards.words");
  }

  @Test
  void anUnsetVariableIsRefusedByNameAndLine() {
    assertRefused(
        "general_settings:\n  master_key: \"sk-${LITELLM_MASTER_KEY}\"\n",
        ":2:",
        "general_settings.master_key",
        "LITELLM_MASTER_KEY is not set");
    assertRefused("general_settings:\n  master_key: os.environ/NOPE\n", ":2:", "NOPE");
  }

  @Test
  void settingsOfLiteLlmWithoutEffectAreNamedInAWarning() throws IOException {
    GatewayConfig config =
        read("litellm_settings:\n  drop_params: true\nrouter_settings:\n  redis_host: x\n");
    assertThat(config.warnings()).hasSize(2);
    assertThat(config.warnings().get(0)).contains(":2: litellm_settings.drop_params");
    assertThat(config.warnings().get(1)).contains("router_settings.redis_host");
  }

  @Test
  void aSettingOfLiteLlmThatGuardsSomethingIsNotSilentlyLeftAway() {
    assertRefused("litellm_settings:\n  max_user_budget: 100\n", ":2:", "max_user_budget");
    assertRefused("general_settings:\n  allowed_ips: [1.2.3.4]\n", "allowed_ips");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "listen: 8081 | HOST:PORT",
        "listen: '::1:8081' | brackets",
        "listen: localhost:99999 | 65535",
        "rate_limits: {per_key: {per: 1m}} | needs the setting requests",
        "rate_limits: {per_key: {requests: 0, per: 1m}} | between 1",
        "rate_limits: {per_key: {requests: ten, per: 1m}} | whole number",
        "rate_limits: {per_key: {requests: 1, per: 1y}} | duration",
        "rate_limits: {per_key: {requests: 1, per: 0s}} | longer than nothing",
        "rate_limits: [1] | must hold settings",
        "allow_networks: 10.0.0.0/33 | 10.0.0.0/33",
        "allow_networks: example.org | example.org",
        "audit: {content: maybe} | content",
        "audit: {durability: maybe} | flush, fsync",
        "tls: {certificate: nowhere.pem, key: nowhere.pem} | nowhere.pem",
        "upstream: ftp://x | must be a URL",
        "upstream: http://user:pass@x | without user",
        "limits: {body: 1t} | size",
        "database: mysql://u:p@h/d | postgresql",
        "redis: redis://127.0.0.1 | memory only",
        "client_certificates: {rules: []} | at least one rule",
        "plain_http: perhaps | refuse, redirect, allow"
      })
  void anUnusableValueIsNamedWithWhatWasExpected(String setting, String expected) {
    assertRefused("llmguard:\n  " + setting + "\n", "litellm_config.yaml:2", expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"mysql://u:hunter2@h/d", "postgresql://u:hunter2@h h/d"})
  void aPasswordInAnUnusableUrlIsNotShown(String url) {
    assertThatThrownBy(() -> read("llmguard:\n  database: \"" + url + "\"\n"))
        .isInstanceOf(ConfigException.class)
        .message()
        .doesNotContain("hunter2");
  }

  @Test
  void aDatabaseUrlIsTakenApart() throws IOException {
    GatewayConfig.Database database =
        read("llmguard:\n  database: postgresql://guard:pw@db.internal:5433/keys?ssl=true\n")
            .database();
    assertThat(database).isNotNull();
    assertThat(database.jdbcUrl()).isEqualTo("jdbc:postgresql://db.internal:5433/keys?ssl=true");
    assertThat(database.user()).isEqualTo("guard");
    assertThat(database.password()).isNotNull();
    assertThat(database.password().value()).isEqualTo("pw");
  }

  @Test
  void brokenYamlIsNamedWithItsLine() {
    assertRefused("llmguard:\n  listen: [1\n", "litellm_config.yaml:");
    assertRefused("a: 1\na: 2\n", "litellm_config.yaml:");
    assertRefused("llmguard: 3\n", ":1:", "must hold settings");
    assertRefused("- a\n", ":1:", "must hold settings");
  }

  @Test
  void aMissingFileIsNamed() {
    assertThatThrownBy(() -> ConfigReader.read(folder.resolve("none.yaml"), name -> null))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("none.yaml")
        .hasMessageContaining("no such file");
  }

  @Test
  void aModelOfAnotherProviderIsRefused() {
    assertRefused(
        "model_list:\n  - model_name: a\n    litellm_params:\n      model: azure/gpt\n",
        ":4:",
        "no other provider");
    assertRefused(
        "model_list:\n  - model_name: a\n    litellm_params:\n      model: openai/x\n",
        "needs the setting api_base");
  }

  @Test
  void everyProblemOfOneSettingComesBeforeAnythingStarts() throws IOException {
    assertThat(read("llmguard: {hosts: [gateway.internal]}\n").guard().hosts())
        .isEqualTo(List.of("gateway.internal"));
  }

  @Test
  void aShortMasterKeyIsWarnedAbout() throws IOException {
    GatewayConfig config = read("general_settings: {master_key: sk-1234}\n");
    assertThat(config.warnings()).singleElement().asString().contains("short");
    assertThat(config.warnings().get(0)).doesNotContain("sk-1234");
  }

  @Test
  void timesOfAConnectionAndOfTokensAreRead() throws IOException {
    GatewayConfig config =
        read(
            """
            llmguard:
              data_dir: state
              limits: {head: 5s, body_time: 7s}
              jwt:
                - issuer: https://id.example
                  audience: llm
                  jwks_url: https://id.example/jwks
                  limits_claim: quota
                  types: [at+jwt, JWT]
                  clock_skew: 5s
            """);
    // as the other paths: from where the file stands
    assertThat(config.guard().dataDir()).isEqualTo(folder.resolve("state"));
    assertThat(config.headTime()).isEqualTo(Duration.ofSeconds(5));
    assertThat(config.guard().limits().bodyTime()).isEqualTo(Duration.ofSeconds(7));
    GuardSettings.JwtIssuer issuer = config.guard().jwt().get(0);
    assertThat(issuer.limitsClaim()).isEqualTo("quota");
    assertThat(issuer.types()).containsExactly("at+jwt", "JWT");
    assertThat(issuer.clockSkew()).isEqualTo(Duration.ofSeconds(5));
  }
}
