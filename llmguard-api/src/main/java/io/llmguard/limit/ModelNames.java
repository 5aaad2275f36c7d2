package io.llmguard.limit;

import io.llmguard.policy.ModelAccess;
import java.util.Locale;

/**
 * Brings the ways to write a model's name together, so that another spelling is no other bucket:
 * Ollama takes names in any case, and fills in registry, namespace and tag.
 */
final class ModelNames {
  private ModelNames() {}

  static String plain(String model) {
    String name = ModelAccess.canonical(model.toLowerCase(Locale.ROOT));
    if (name.startsWith("registry.ollama.ai/")) {
      name = name.substring("registry.ollama.ai/".length());
    }
    return name.startsWith("library/") ? name.substring("library/".length()) : name;
  }
}
