package io.llmguard.examples.gateway.command;

import io.llmguard.examples.gateway.KeyStores;
import io.llmguard.key.IssuedKey;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** What commands on the key store share: the configuration, the store, and how keys are shown. */
abstract class StoreCommand implements Callable<Integer> {
  @Mixin private ConfigOption config = new ConfigOption();

  @Spec private @Nullable CommandSpec spec;

  /** Does the work while the store is open. */
  abstract void run(KeyStores keys);

  @Override
  public final Integer call() {
    try (KeyStores keys = KeyStores.open(config.read())) {
      run(keys);
    }
    line().getOut().flush();
    return 0;
  }

  final CommandLine line() {
    return spec == null ? new CommandLine(this) : spec.commandLine();
  }

  final void print(String text) {
    line().getOut().println(text);
  }

  final void printOnce(IssuedKey issued, boolean json) {
    String id = issued.record().id();
    if (json) {
      Map<String, String> fields = new LinkedHashMap<>();
      fields.put("id", id);
      fields.put("key", issued.key().reveal());
      print(KeyJson.write(fields));
    } else {
      print("id   " + id);
      print("key  " + issued.key().reveal());
      print("Keep the key now: it is not shown again.");
    }
  }
}
