package io.llmguard.examples.gateway.command;

import io.llmguard.examples.gateway.KeyStores;
import io.llmguard.examples.gateway.Main;
import io.llmguard.key.KeyRecord;
import io.llmguard.key.KeyStore;
import picocli.CommandLine.Command;

/** {@code key}: what administrators do with keys. */
@Command(
    name = "key",
    description = "Makes, lists and ends API keys; a running gateway knows it within a second.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      KeyCreateCommand.class,
      KeyListCommand.class,
      KeyShowCommand.class,
      KeyRotateCommand.class,
      KeyStateCommand.Block.class,
      KeyStateCommand.Unblock.class,
      KeyStateCommand.Revoke.class
    })
public final class KeyCommand {
  KeyCommand() {}

  /** The record of an id, or of the one name that is that; an error that says what to do. */
  static KeyRecord require(KeyStores keys, String idOrName) {
    KeyStore store = keys.store();
    KeyRecord byId = store.find(idOrName);
    if (byId != null) {
      return byId;
    }
    var named = store.list().stream().filter(record -> record.name().equals(idOrName)).toList();
    if (named.size() == 1) {
      return named.get(0);
    }
    throw new Main.UserError(
        named.isEmpty()
            ? "there is no key with the id or name " + idOrName + "; key list shows all"
            : "more than one key has the name " + idOrName + "; give its id (key list shows it)");
  }
}
