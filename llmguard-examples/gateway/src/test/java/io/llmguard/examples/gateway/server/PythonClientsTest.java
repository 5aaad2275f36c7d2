package io.llmguard.examples.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Needs;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PythonClientsTest {
  private static final String MASTER = "sk-0123456789abcdef0123456789abcdef";

  private static final String PRICED =
      """
      model_list:
        - model_name: moltbot-llm
          litellm_params:
            model: ollama/gemma3:270m
            api_base: ${UPSTREAM}
            output_cost_per_token: 0.001
      general_settings: {master_key: %s}
      litellm_settings: {max_budget: 100}
      llmguard:
        listen: 127.0.0.1:0
        data_dir: ${DATA}
        rate_limits:
          per_key: {requests: 999, per: 1m, burst: 999}
          per_ip: {requests: 999, per: 1m, burst: 999}
      """
          .formatted(MASTER);

  @TempDir private Path folder = Path.of("");

  @Test
  void theOfficialOllamaAndOpenAiClientsWorkUnchanged() throws Exception {
    Path python =
        Needs.fileNamedBy("LLMGUARD_PYTHON", "a Python with the packages ollama and openai");
    String limits =
        "rate_limits: {per_key: {requests: 999, per: 1m, burst: 999},"
            + " per_ip: {requests: 999, per: 1m, burst: 999}}";
    try (RunningGateway gateway = RunningGateway.start(folder, RunningGateway.settings(limits))) {
      run(python, "clients.py", gateway.url(), gateway.firstKey());
    }
  }

  @Test
  void administrationWorksWithLiteLlmsClientAndItsNames() throws Exception {
    Path python = Needs.fileNamedBy("LLMGUARD_PYTHON", "a Python with the package litellm");
    try (RunningGateway gateway = RunningGateway.start(folder, PRICED)) {
      run(python, "admin.py", gateway.url(), MASTER);
    }
  }

  @Test
  void virtualKeysWorkInLiteLlmsOwnSdkAndRaiseItsErrors() throws Exception {
    Path python =
        Needs.fileNamedBy("LLMGUARD_PYTHON", "a Python with the packages litellm and openai");
    try (RunningGateway gateway = RunningGateway.start(folder, PRICED)) {
      run(python, "virtual_keys.py", gateway.url(), MASTER);
    }
  }

  private static void run(Path python, String script, String... args) throws Exception {
    List<String> command = new ArrayList<>(List.of(python.toString(), "src/test/python/" + script));
    command.addAll(List.of(args));
    Process clients = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(clients.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(clients.waitFor(120, TimeUnit.SECONDS)).isTrue();
    assertThat(output).endsWith("all good\n");
    assertThat(clients.exitValue()).isZero();
  }
}
