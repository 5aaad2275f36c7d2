package io.llmguard.examples.gateway.server;

import io.llmguard.TimeSource;
import io.llmguard.examples.gateway.Main;
import io.llmguard.key.IssuedKey;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.KeyStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;

/**
 * The key of a gateway that has none yet, made once and shown once.
 *
 * <p>On a terminal it is printed; elsewhere it goes to a file that only its owner can read, so that
 * no log ever holds it.
 */
final class FirstKey {
  private FirstKey() {}

  /**
   * Makes the key where the store is empty.
   *
   * @param terminal true if a person reads the standard output
   * @return what to tell the person, or null if there is a key already
   */
  static @Nullable String make(KeyStore store, Path dataDir, boolean terminal) {
    if (!store.list().isEmpty()) {
      return null;
    }
    IssuedKey issued =
        new KeyIssuer(store, TimeSource.system()).issue("first key", options -> options);
    if (terminal) {
      return issued.key().reveal() + "  (shown once: keep it now)";
    }
    Path file = dataDir.resolve("first-key.txt");
    try {
      Files.deleteIfExists(file);
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(file, issued.key().reveal() + "\n", StandardOpenOption.TRUNCATE_EXISTING);
    } catch (IOException e) {
      store.delete(issued.record().id());
      throw new Main.UserError("the first key cannot be written to " + file, e);
    }
    return "in the file " + file.toAbsolutePath() + " (delete it once you have the key)";
  }
}
