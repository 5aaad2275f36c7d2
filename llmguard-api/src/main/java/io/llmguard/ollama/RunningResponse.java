package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer of {@code /api/ps}.
 *
 * @param models the models that are loaded
 * @param extra fields that this version does not know, as they came
 */
public record RunningResponse(List<RunningModel> models, Map<String, @Nullable Object> extra) {
  /** Copies the lists. */
  public RunningResponse {
    models = List.copyOf(models);
    extra = Values.map(extra);
  }
}
