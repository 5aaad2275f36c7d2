package io.llmguard.examples.gateway.config;

import org.jspecify.annotations.Nullable;

/** A configuration that cannot be used; the message names file, line and setting. */
public final class ConfigException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What is wrong with the whole file. */
  public ConfigException(String message) {
    super(message);
  }

  /** What is wrong with one setting. */
  public ConfigException(String file, int line, @Nullable String setting, String problem) {
    super(file + ":" + line + ": " + (setting == null ? "" : setting + ": ") + problem);
  }
}
