package io.llmguard.assembly;

import io.llmguard.TimeSource;
import io.llmguard.key.IssuedKey;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.KeyStore;
import java.io.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * The key of a store that has none yet, made once and shown once: on a terminal it is printed,
 * elsewhere it goes to a file that only its owner can read, so that no log ever holds it.
 */
public final class FirstKey {
  private FirstKey() {}

  /** Where the key is now. */
  public sealed interface Shown {
    /**
     * Nowhere else: it is to be printed on the terminal, once.
     *
     * @param text what to print, with the key
     */
    record OnTerminal(String text) implements Shown {
      @Override
      public String toString() {
        return "OnTerminal[text=***]";
      }
    }

    /**
     * In a file of mode 0600.
     *
     * @param file the file
     */
    record InFile(Path file) implements Shown {
      /** What to tell a person. */
      public String text() {
        return "in the file " + file.toAbsolutePath() + " (delete it once you have the key)";
      }
    }
  }

  /**
   * Makes the key where the store is empty.
   *
   * @param terminal true if a person reads the standard output: see {@link #onTerminal}
   * @return where it is, or null if there was a key already
   * @throws SettingException if its file cannot be written; then there is no key
   */
  public static @Nullable Shown make(KeyStore store, DataDirectory directory, boolean terminal) {
    if (!store.list().isEmpty()) {
      return null;
    }
    IssuedKey issued =
        new KeyIssuer(store, TimeSource.system()).issue("first key", options -> options);
    if (terminal) {
      return new Shown.OnTerminal(issued.key().reveal() + "  (shown once: keep it now)");
    }
    Path file = directory.folder().resolve("first-key.txt");
    try {
      Files.deleteIfExists(file);
      Files.createFile(file, DataDirectory.attributes("rw-------"));
      Files.writeString(file, issued.key().reveal() + "\n", StandardOpenOption.TRUNCATE_EXISTING);
    } catch (IOException e) {
      store.delete(issued.record().id());
      throw new SettingException(
          "data-dir", "the first key cannot be written to " + file.toAbsolutePath(), e);
    }
    return new Shown.InFile(file);
  }

  /** True if a person reads the output. Before JDK 22 a console was there on terminals only. */
  @SuppressWarnings("SystemConsoleNull") // what later versions answer is asked for below
  public static boolean onTerminal() {
    Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      return (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (NoSuchMethodException e) {
      return true;
    } catch (ReflectiveOperationException e) {
      return false;
    }
  }
}
