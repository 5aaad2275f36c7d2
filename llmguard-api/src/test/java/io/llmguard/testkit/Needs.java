package io.llmguard.testkit;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/**
 * What a test needs of the machine beside a JDK: it is skipped with the reason where that is
 * missing, and fails instead where the environment variable {@code LLMGUARD_NO_SKIP} is {@code
 * true}.
 */
public final class Needs {
  private Needs() {}

  /** The program of that name on the PATH or in the folders for system programs. */
  public static Path program(String name) {
    String path = System.getenv().getOrDefault("PATH", "");
    for (String folder : (path + ":/usr/sbin:/usr/local/sbin:/sbin").split(":", -1)) {
      Path program = Path.of(folder.isEmpty() ? "." : folder, name);
      if (Files.isExecutable(program)) {
        return program;
      }
    }
    throw missing("the program " + name + " is not installed");
  }

  /** The file or folder that an environment variable names. */
  public static Path fileNamedBy(String variable, String whatFor) {
    String value = System.getenv(variable);
    if (value == null || !Files.exists(Path.of(value))) {
      throw missing(variable + " names no existing file: it is needed for " + whatFor);
    }
    return Path.of(value);
  }

  /** Skips the test, or fails it where nothing may be skipped; never returns. */
  public static AssertionError missing(String reason) {
    if ("true".equals(System.getenv("LLMGUARD_NO_SKIP"))) {
      Assertions.fail(reason);
    }
    Assumptions.abort(reason);
    return new AssertionError(reason);
  }
}
