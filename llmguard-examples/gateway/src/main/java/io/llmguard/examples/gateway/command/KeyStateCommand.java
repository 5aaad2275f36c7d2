package io.llmguard.examples.gateway.command;

import io.llmguard.examples.gateway.KeyStores;
import io.llmguard.examples.gateway.Main;
import io.llmguard.key.KeyStore;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Commands that change whether a key lets its holder in. */
abstract class KeyStateCommand extends StoreCommand {
  @Parameters(paramLabel = "ID", description = "the key's id, or its name where that is the only")
  private String id = "";

  @Option(names = "--json", description = "prints {\"id\",\"state\"} and nothing else")
  private boolean json;

  /** Changes the record of that id; false if it is not in a state for that. */
  abstract boolean change(KeyStore store, String recordId);

  abstract String done();

  abstract String notDone();

  @Override
  final void run(KeyStores keys) {
    String recordId = KeyCommand.require(keys, id).id();
    if (!change(keys.store(), recordId)) {
      throw new Main.UserError("key " + recordId + " " + notDone());
    }
    if (json) {
      Map<String, String> fields = new LinkedHashMap<>();
      fields.put("id", recordId);
      fields.put("state", done().substring("is ".length()));
      print(KeyJson.write(fields));
    } else {
      print("key " + recordId + " " + done());
    }
  }

  @Command(
      name = "block",
      description = "Refuses a key until it is unblocked.",
      mixinStandardHelpOptions = true)
  static final class Block extends KeyStateCommand {
    @Override
    boolean change(KeyStore store, String recordId) {
      return store.block(recordId);
    }

    @Override
    String done() {
      return "is blocked";
    }

    @Override
    String notDone() {
      return "is not active, so there is nothing to block";
    }
  }

  @Command(
      name = "unblock",
      description = "Makes a blocked key good again.",
      mixinStandardHelpOptions = true)
  static final class Unblock extends KeyStateCommand {
    @Override
    boolean change(KeyStore store, String recordId) {
      return store.unblock(recordId);
    }

    @Override
    String done() {
      return "is active";
    }

    @Override
    String notDone() {
      return "is not blocked";
    }
  }

  @Command(name = "revoke", description = "Ends a key for good.", mixinStandardHelpOptions = true)
  static final class Revoke extends KeyStateCommand {
    @Override
    boolean change(KeyStore store, String recordId) {
      return store.revoke(recordId);
    }

    @Override
    String done() {
      return "is revoked";
    }

    @Override
    String notDone() {
      return "is revoked already";
    }
  }
}
