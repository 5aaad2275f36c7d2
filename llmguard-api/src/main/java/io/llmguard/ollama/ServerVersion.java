package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer of {@code /api/version}.
 *
 * @param version the version
 * @param extra fields that this version does not know, as they came
 */
public record ServerVersion(String version, Map<String, @Nullable Object> extra) {
  /** Copies the fields. */
  public ServerVersion {
    extra = Values.map(extra);
  }
}
