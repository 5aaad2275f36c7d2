package io.llmguard.benchmark;

import io.llmguard.benchmark.upstream.Payload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The gateway program with everything that it does by default, its limits set so high that they
 * never bite.
 */
final class Gateway {
  /** Its name in the table. */
  static final String NAME = "llmguard";

  private static final String CONFIGURATION =
      """
      model_list:
      %1$s
      llmguard:
        listen: 127.0.0.1:%2$d
        data_dir: %3$s
        rate_limits:
          per_key: {requests: 60000000, per: 1m, burst: 1000000}
          per_ip: {requests: 60000000, per: 1m, burst: 1000000}
        audit: {file: %3$s/audit.jsonl}
      """;
  private static final Pattern KEY = Pattern.compile("\"key\"\\s*:\\s*\"([^\"]+)\"");

  private Gateway() {}

  /** Where the gateway's files go, and how it is started. */
  record Setup(Path jar, List<String> jvmOptions, Path directory, Path configuration, int port) {
    /** Writes the configuration for this upstream. */
    static Setup write(Path jar, List<String> jvmOptions, Path directory, int upstreamPort)
        throws IOException {
      Files.createDirectories(directory);
      int port = Ports.free();
      String models =
          Arrays.stream(Payload.values())
              .map(
                  payload ->
                      """
                        - model_name: %1$s
                          litellm_params: {model: ollama/%1$s, api_base: "http://127.0.0.1:%2$d"}"""
                          .formatted(payload.model(), upstreamPort))
              .collect(Collectors.joining("\n"));
      Path file =
          Files.writeString(
              directory.resolve("gateway.yaml"),
              CONFIGURATION.formatted(models, port, directory.resolve("data")));
      return new Setup(jar, jvmOptions, directory, file, port);
    }

    private List<String> command(List<String> options, String... arguments) {
      List<String> command = new ArrayList<>(List.of(Child.java()));
      command.addAll(options);
      command.addAll(List.of("-jar", jar.toString()));
      command.addAll(List.of(arguments));
      return command;
    }

    /** Has the program make an API key. */
    String createKey() throws IOException {
      String file = configuration.toString();
      try (Child child =
          Child.start(
              command(List.of(), "key", "create", "--config", file, "--name", "bench", "--json"))) {
        String printed = child.out().lines().collect(Collectors.joining("\n"));
        Matcher key = KEY.matcher(printed);
        if (!key.find()) {
          throw new IOException("key create printed no key");
        }
        return key.group(1);
      }
    }
  }

  /** Starts the program. */
  static Subject start(Setup setup) throws IOException {
    Child process =
        Child.start(
            setup.command(
                setup.jvmOptions(), "serve", "--config", setup.configuration().toString()),
            setup.directory().resolve("gateway.out"));
    Ports.await(setup.port(), process, "the gateway");
    return new Subject.Program(NAME, setup.port(), process);
  }
}
