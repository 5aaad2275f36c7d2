package io.llmguard.examples.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RoutingDocumentTest {
  @TempDir private Path folder = Path.of("");

  RoutingDocumentTest() {}

  @Test
  void theConfigurationInTheDocumentIsOneThatIsTaken() throws Exception {
    String document = Files.readString(Path.of("../../docs/routing.md"));
    int start = document.indexOf("```yaml\n") + "```yaml\n".length();
    Path file = folder.resolve("litellm_config.yaml");
    Files.writeString(file, document.substring(start, document.indexOf("```", start)));
    for (String name : List.of("ca.pem", "client.pem", "client.key")) {
      Files.createFile(folder.resolve(name));
    }
    GatewayConfig config = ConfigReader.read(file, Map.of("GPU2_KEY", "secret")::get);
    assertThat(config.warnings()).isEmpty();
    assertThat(config.models()).hasSize(4);
    assertThat(config.models().get(1).server().name()).isEqualTo("gpu2");
    assertThat(config.routing().fallbacks()).containsEntry("moltbot-llm", List.of("spare"));
  }
}
