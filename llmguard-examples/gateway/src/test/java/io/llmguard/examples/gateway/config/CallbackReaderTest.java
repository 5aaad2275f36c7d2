package io.llmguard.examples.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.examples.gateway.config.CallbackSettings.When;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CallbackReaderTest {
  private static final Map<String, String> KEYS =
      Map.of(
          "LANGFUSE_PUBLIC_KEY", "pk-lf-1",
          "LANGFUSE_SECRET_KEY", "sk-lf-planted",
          "LANGFUSE_HOST", "http://127.0.0.1:3000/",
          "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318",
          "OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer planted,x-a=b");

  @TempDir private Path folder;

  private GatewayConfig read(String yaml, Map<String, String> environment) throws IOException {
    Path file = folder.resolve("config.yaml");
    Files.writeString(file, yaml);
    return ConfigReader.read(file, environment::get);
  }

  @Test
  void langfuseWithoutItsKeysIsOffWithAWarning() throws IOException {
    GatewayConfig config = read("litellm_settings: {success_callback: [\"langfuse\"]}\n", Map.of());
    assertThat(config.callbacks()).isEqualTo(CallbackSettings.NONE);
    assertThat(config.warnings())
        .singleElement()
        .asString()
        .contains(":1:", "langfuse is off", "LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY");
    assertThat(read("litellm_settings: {callbacks: otel}\n", Map.of()).warnings())
        .singleElement()
        .asString()
        .contains("otel is off", "OTEL_EXPORTER_OTLP_ENDPOINT");
  }

  @Test
  void langfusesTwoEndpointsHaveTheHostsThatTheirNamesHaveElsewhere() throws IOException {
    Map<String, String> keys =
        Map.of("LANGFUSE_PUBLIC_KEY", "pk-lf-1", "LANGFUSE_SECRET_KEY", "sk-lf-2");
    String both = "litellm_settings: {callbacks: [langfuse, langfuse_otel]}\n";
    GatewayConfig config = read(both, keys);
    assertThat(config.callbacks().langfuse().host())
        .isEqualTo(URI.create("https://cloud.langfuse.com"));
    assertThat(config.callbacks().langfuseOtel().host())
        .isEqualTo(URI.create("https://us.cloud.langfuse.com"));
    assertThat(config.warnings())
        .singleElement()
        .asString()
        .contains(":1:", "16 November 2026", "langfuse_otel");

    Map<String, String> hosts = new HashMap<>(keys);
    hosts.put("LANGFUSE_BASE_URL", "http://127.0.0.1:3000/");
    config = read(both, hosts);
    assertThat(config.warnings()).isEmpty();
    assertThat(config.callbacks().langfuseOtel().host())
        .isEqualTo(URI.create("http://127.0.0.1:3000"));
    hosts.put("LANGFUSE_OTEL_HOST", "http://127.0.0.1:3001");
    config = read(both, hosts);
    assertThat(config.callbacks().langfuse().host()).isEqualTo(URI.create("http://127.0.0.1:3000"));
    assertThat(config.callbacks().langfuseOtel().host())
        .isEqualTo(URI.create("http://127.0.0.1:3001"));
    assertThat(read("litellm_settings: {success_callback: [langfuse_otel]}\n", Map.of()).warnings())
        .singleElement()
        .asString()
        .contains("langfuse_otel is off");
  }

  @Test
  void callbacksTakeTheirKeysFromTheEnvironmentAndShowNone() throws IOException {
    GatewayConfig config =
        read(
            """
            litellm_settings:
              success_callback: ["langfuse"]
              callbacks: ["otel"]
              redact_user_api_key_info: true
            llmguard:
              callbacks:
                content: true
                webhook:
                  url: https://hooks.example/llm
                  secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
            """,
            KEYS);
    CallbackSettings callbacks = config.callbacks();
    assertThat(config.warnings()).isEmpty();
    assertThat(callbacks.content()).isTrue();
    assertThat(callbacks.hideCaller()).isTrue();
    assertThat(callbacks.langfuse()).isNotNull();
    assertThat(callbacks.langfuse().when()).isEqualTo(new When(true, false));
    assertThat(callbacks.langfuse().host()).isEqualTo(URI.create("http://127.0.0.1:3000"));
    assertThat(callbacks.otlp()).isNotNull();
    assertThat(callbacks.otlp().when()).isEqualTo(new When(true, true));
    assertThat(callbacks.otlp().headerValues())
        .isEqualTo(Map.of("Authorization", "Bearer planted", "x-a", "b"));
    assertThat(callbacks.webhook()).isNotNull();
    assertThat(config.toString()).doesNotContain("planted").doesNotContain("MfKQ9");
  }

  @Test
  void contentStaysOffWhereLiteLlmsSettingSaysSo() throws IOException {
    assertThat(
            read(
                    """
                    litellm_settings: {turn_off_message_logging: true}
                    llmguard: {callbacks: {content: true}}
                    """,
                    Map.of())
                .callbacks()
                .content())
        .isFalse();
  }

  @Test
  void aCallbackThatIsNotKnownIsNamedAndWrongSettingsAreRefused() throws IOException {
    assertThat(read("litellm_settings: {failure_callback: [sentry]}\n", Map.of()).warnings())
        .singleElement()
        .asString()
        .contains("no callback sentry");
    assertThatThrownBy(
            () ->
                read(
                    "llmguard: {callbacks: {webhook: {url: \"https://a\", secret: planted}}}\n",
                    Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("llmguard.callbacks.webhook.secret")
        .hasMessageNotContaining("planted");
    assertThatThrownBy(() -> read("llmguard: {callbacks: {contents: true}}\n", Map.of()))
        .hasMessageContaining("llmguard.callbacks.contents");
  }
}
