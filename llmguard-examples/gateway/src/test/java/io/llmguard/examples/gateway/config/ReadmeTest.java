package io.llmguard.examples.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.inspect.SensitiveKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReadmeTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void theConfigurationInTheReadmeIsOneThatIsTaken() throws Exception {
    String readme = Files.readString(Path.of("../../README.md"));
    int start = readme.indexOf("```yaml\n") + "```yaml\n".length();
    String yaml = readme.substring(start, readme.indexOf("```", start));
    for (String file : List.of("server.pem", "server.key", "ca.pem")) {
      Files.createFile(folder.resolve(file));
    }
    Path file = folder.resolve("litellm_config.yaml");
    Files.writeString(file, yaml);
    GatewayConfig config =
        ConfigReader.read(
            file, Map.of("LITELLM_MASTER_KEY", "0123456789abcdef0123456789abcdef")::get);
    assertThat(config.warnings()).isEmpty();
    assertThat(config.models()).hasSize(1);
    assertThat(config.guard().jwt()).hasSize(1);
    assertThat(config.guard().ceilings().outputTokens()).isEqualTo(1024);
    assertThat(config.guard().ceilings().minKeepAlive()).isEqualTo(Duration.ofMinutes(1));
    assertThat(config.guard().ceilings().loadOnly()).isTrue();
  }

  @Test
  void theBudgetsInTheirDocumentAreOnesThatAreTaken() throws Exception {
    String document = Files.readString(Path.of("../../docs/budgets.md"));
    int start = document.indexOf("```yaml\n") + "```yaml\n".length();
    Path file = folder.resolve("budgets.yaml");
    Files.writeString(file, document.substring(start, document.indexOf("```", start)));
    GatewayConfig config = ConfigReader.read(file, name -> null);
    assertThat(config.warnings()).isEmpty();
    assertThat(config.budgets().budgets()).hasSize(7);
    assertThat(config.budgets().budgets().get(0).window().id()).isEqualTo("1mo@Europe/Berlin");
    assertThat(config.models().get(0).price()).isNotNull();
  }

  @Test
  void theContentGuardsInTheirDocumentAreOnesThatAreTaken() throws Exception {
    String document = Files.readString(Path.of("../../docs/content-guards.md"));
    int start = document.indexOf("```yaml\n") + "```yaml\n".length();
    Path file = folder.resolve("guards.yaml");
    Files.writeString(file, document.substring(start, document.indexOf("```", start)));
    GatewayConfig config = ConfigReader.read(file, name -> null);
    assertThat(config.warnings()).isEmpty();
    assertThat(config.guard().contentGuards().secrets()).isNotNull();
    assertThat(config.guard().contentGuards().personalData()).isNotNull();
    assertThat(config.guard().contentGuards().personalData().kinds())
        .contains(SensitiveKind.IP_ADDRESS);
    assertThat(config.guard().contentGuards().size()).isNotNull();
    for (SensitiveKind kind : SensitiveKind.values()) {
      assertThat(document).contains("| `" + kind.word() + "` |");
    }
  }
}
