package io.llmguard.benchmark;

import io.llmguard.benchmark.upstream.Payload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * LiteLLM's proxy with one master key, no database and nothing written to its log: the least that
 * it can be made to do. It has a worker process for each processor.
 */
final class LiteLlm {
  /** Its name in the table. */
  static final String NAME = "LiteLLM";

  private static final String CONFIGURATION =
      """
      model_list:
        - model_name: %1$s
          litellm_params: {model: openai/%1$s, api_base: "http://127.0.0.1:%3$d/v1", api_key: none}
        - model_name: %2$s
          litellm_params: {model: openai/%2$s, api_base: "http://127.0.0.1:%3$d/v1", api_key: none}
      general_settings:
        master_key: %4$s
      """;
  private static final Map<String, String> ENVIRONMENT =
      Map.of("LITELLM_LOG", "ERROR", "LITELLM_MODE", "PRODUCTION", "NO_PROXY", "127.0.0.1");

  private LiteLlm() {}

  /** Starts the proxy. */
  static Subject start(Path program, Path directory, int upstreamPort, String apiKey)
      throws IOException {
    Files.createDirectories(directory);
    int port = Ports.free();
    Path file =
        Files.writeString(
            directory.resolve("config.yaml"),
            CONFIGURATION.formatted(
                Payload.COMPLETION.model(), Payload.EVENTS.model(), upstreamPort, apiKey));
    Child process =
        Child.start(
            List.of(
                program.toString(),
                "--config",
                file.toString(),
                "--host",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--num_workers",
                Integer.toString(Runtime.getRuntime().availableProcessors()),
                "--telemetry",
                "False"),
            ENVIRONMENT,
            directory.resolve("litellm.out"));
    Ports.await(port, process, "LiteLLM's proxy");
    return new Subject.Program(NAME, port, process);
  }
}
