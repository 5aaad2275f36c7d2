package io.llmguard.examples.webapp;

import java.util.Objects;

/** What the application is told from outside, as system property or environment variable. */
final class Settings {
  private Settings() {}

  /** The folder that holds keys and audit lines. */
  static String data() {
    return setting("LLMGUARD_DATA", "llmguard-data");
  }

  /** The URL of the LLM server. */
  static String ollama() {
    return setting("OLLAMA_URL", "http://127.0.0.1:11434");
  }

  private static String setting(String name, String otherwise) {
    String value = System.getProperty(name, System.getenv(name));
    return Objects.requireNonNullElse(value, otherwise);
  }
}
