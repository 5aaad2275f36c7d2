package io.llmguard.examples.gateway.command;

import io.llmguard.TimeSource;
import io.llmguard.examples.gateway.KeyStores;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.Durations;
import io.llmguard.key.IssuedKey;
import io.llmguard.key.KeyIssuer;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

@Command(
    name = "rotate",
    description = "Replaces a key by a new one, which is printed once.",
    mixinStandardHelpOptions = true)
final class KeyRotateCommand extends StoreCommand {
  @Parameters(paramLabel = "ID", description = "the key's id, or its name where that is the only")
  private String id = "";

  @Option(
      names = "--grace",
      paramLabel = "TIME",
      description = "how long the old key still lets its holder in, such as 24h (default: not)")
  private @Nullable String grace;

  @Option(names = "--json", description = "prints {\"id\",\"key\"} and nothing else")
  private boolean json;

  @Override
  void run(KeyStores keys) {
    Duration time;
    try {
      time = grace == null ? Duration.ZERO : Durations.parse(grace);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(line(), "--grace: " + e.getMessage(), e);
    }
    String record = KeyCommand.require(keys, id).id();
    IssuedKey issued;
    try {
      issued = new KeyIssuer(keys.store(), TimeSource.system()).rotate(record, time);
    } catch (IllegalArgumentException e) {
      throw new Main.UserError("key " + id + ": " + e.getMessage(), e);
    }
    if (issued == null) {
      throw new Main.UserError("key " + id + " is revoked for good; key create makes another");
    }
    printOnce(issued, json);
  }
}
