package io.llmguard.examples.gateway.command;

import io.llmguard.examples.gateway.KeyStores;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "show",
    description = "Shows all that is kept of a key; never the key itself.",
    mixinStandardHelpOptions = true)
final class KeyShowCommand extends StoreCommand {
  @Parameters(paramLabel = "ID", description = "the key's id, or its name where that is the only")
  private String id = "";

  @Option(names = "--json", description = "prints a JSON object and nothing else")
  private boolean json;

  @Override
  void run(KeyStores keys) {
    Map<String, @Nullable Object> fields = KeyJson.of(KeyCommand.require(keys, id));
    if (json) {
      print(KeyJson.write(fields));
      return;
    }
    List<List<String>> rows =
        fields.entrySet().stream()
            .map(e -> List.of(e.getKey(), e.getValue() == null ? "-" : e.getValue().toString()))
            .toList();
    line().getOut().print(Tables.of(line().getColorScheme(), List.of("FIELD", "VALUE"), rows));
  }
}
