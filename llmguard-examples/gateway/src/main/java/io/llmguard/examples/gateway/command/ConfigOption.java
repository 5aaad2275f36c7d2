package io.llmguard.examples.gateway.command;

import io.llmguard.examples.gateway.config.ConfigReader;
import io.llmguard.examples.gateway.config.GatewayConfig;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option {@code --config}, shared by all commands. */
final class ConfigOption {
  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "LiteLLM's configuration file, with llmguard's settings under llmguard:")
  private @Nullable Path file;

  /** The file, or null where none was named. */
  @Nullable Path file() {
    return file;
  }

  GatewayConfig read() {
    return file == null
        ? ConfigReader.defaults(System::getenv)
        : ConfigReader.read(file, System::getenv);
  }
}
