package io.llmguard.examples.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Needs;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PythonClientsTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void theOfficialOllamaAndOpenAiClientsWorkUnchanged() throws Exception {
    Path python =
        Needs.fileNamedBy("LLMGUARD_PYTHON", "a Python with the packages ollama and openai");
    String limits =
        "rate_limits: {per_key: {requests: 999, per: 1m, burst: 999},"
            + " per_ip: {requests: 999, per: 1m, burst: 999}}";
    try (RunningGateway gateway = RunningGateway.start(folder, RunningGateway.settings(limits))) {
      Process clients =
          new ProcessBuilder(
                  python.toString(),
                  "src/test/python/clients.py",
                  gateway.url(),
                  gateway.firstKey())
              .redirectErrorStream(true)
              .start();
      String output = new String(clients.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(clients.waitFor(120, TimeUnit.SECONDS)).isTrue();
      assertThat(output).endsWith("all good\n");
      assertThat(clients.exitValue()).isZero();
    }
  }
}
