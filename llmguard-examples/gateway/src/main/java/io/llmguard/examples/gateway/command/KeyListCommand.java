package io.llmguard.examples.gateway.command;

import io.llmguard.TimeSource;
import io.llmguard.examples.gateway.KeyStores;
import io.llmguard.key.KeyRecord;
import io.llmguard.policy.Scope;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "list",
    description = "Lists the keys, oldest first; never the keys themselves.",
    mixinStandardHelpOptions = true)
final class KeyListCommand extends StoreCommand {
  @Option(names = "--json", description = "prints a JSON array and nothing else")
  private boolean json;

  @Override
  void run(KeyStores keys) {
    List<KeyRecord> records = keys.store().list();
    if (json) {
      print(KeyJson.write(records.stream().map(KeyJson::of).toList()));
    } else if (records.isEmpty()) {
      print("There are no keys yet: key create --name NAME makes one.");
    } else {
      Instant now = TimeSource.system().now();
      line()
          .getOut()
          .print(
              Tables.of(
                  line().getColorScheme(),
                  List.of("ID", "NAME", "STATE", "EXPIRES", "LAST USED", "SCOPES / MODELS"),
                  records.stream().map(record -> row(record, now)).toList()));
    }
  }

  private static List<String> row(KeyRecord record, Instant now) {
    Instant expires = record.expiresAt();
    boolean expired = expires != null && !expires.isAfter(now);
    String state = record.state().name().toLowerCase(Locale.ROOT);
    String scopes =
        record.scopes().stream().map(Scope::word).sorted().collect(Collectors.joining(","));
    return List.of(
        record.id(),
        clip(record.name()),
        expired && record.state() == KeyRecord.State.ACTIVE ? "expired" : state,
        date(expires, "never"),
        date(record.lastUsedAt(), "never"),
        scopes + " / " + String.join(",", record.models().patterns()));
  }

  private static String clip(String name) {
    return name.length() <= 20 ? name : name.substring(0, 19) + "…";
  }

  private static String date(@Nullable Instant time, String absent) {
    return time == null ? absent : time.toString().substring(0, 10);
  }
}
