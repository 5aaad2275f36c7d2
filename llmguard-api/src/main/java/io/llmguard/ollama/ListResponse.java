package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer of {@code /api/tags}.
 *
 * @param models the models that the server has
 * @param extra fields that this version does not know, as they came
 */
public record ListResponse(List<LocalModel> models, Map<String, @Nullable Object> extra) {
  /** Copies the lists. */
  public ListResponse {
    models = List.copyOf(models);
    extra = Values.map(extra);
  }
}
