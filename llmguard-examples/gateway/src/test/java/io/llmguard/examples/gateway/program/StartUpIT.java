package io.llmguard.examples.gateway.program;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A configuration that cannot be used ends the start, and the message says where it is wrong. */
@Timeout(300)
class StartUpIT {
  @TempDir private Path folder = Path.of("");

  private Program.Ended serve(String yaml) throws Exception {
    Files.writeString(folder.resolve("config.yaml"), yaml);
    return Program.in(folder).run("serve", "--config", "config.yaml");
  }

  @Test
  void anUnknownSettingIsNamedWithItsLine() throws Exception {
    Program.Ended ended =
        serve(
            """
            llmguard:
              listen: 127.0.0.1:0
              data_dir: data
              rate_limits:
                per_kee: {requests: 10, per: 1m}
            """);
    assertThat(ended.err()).contains("config.yaml:5: llmguard.rate_limits.per_kee");
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.out()).doesNotContain("listening");
    assertThat(folder.resolve("data")).doesNotExist();
  }

  @Test
  void aVariableThatIsNotSetIsNamedWithItsLine() throws Exception {
    Program.Ended ended =
        serve(
            """
            general_settings:
              master_key: os.environ/LITELLM_MASTER_KEY
            llmguard:
              listen: 127.0.0.1:0
              data_dir: data
            """);
    assertThat(ended.err()).contains("config.yaml:2: ", "LITELLM_MASTER_KEY");
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.out()).doesNotContain("listening");
    assertThat(folder.resolve("data")).doesNotExist();
  }
}
